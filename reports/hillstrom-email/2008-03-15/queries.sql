-- 1
-- the assigned units
CREATE OR REPLACE TEMPORARY TABLE holdfast_assigned AS
SELECT
  "t1"."outcome_spend",
  "t1"."outcome_conversion",
  "t1"."outcome_visit",
  CAST(CASE
    WHEN "t1"."variant" = 'control'
    THEN 0
    WHEN "t1"."variant" = 'mens_email'
    THEN 1
    WHEN "t1"."variant" = 'womens_email'
    THEN 2
    ELSE NULL
  END AS SMALLINT) AS "variant",
  CASE WHEN "t1"."variant" IS NULL THEN "t1"."label" ELSE CAST(NULL AS TEXT) END AS "label"
FROM (
  SELECT
    "t0"."spend" AS "outcome_spend",
    "t0"."conversion" AS "outcome_conversion",
    "t0"."visit" AS "outcome_visit",
    CASE
      WHEN "t0"."segment" = 'control'
      THEN 'control'
      WHEN "t0"."segment" = 'mens_email'
      THEN 'mens_email'
      WHEN "t0"."segment" = 'womens_email'
      THEN 'womens_email'
      WHEN "t0"."segment" = 'No E-Mail'
      THEN 'control'
      WHEN "t0"."segment" = 'Mens E-Mail'
      THEN 'mens_email'
      WHEN "t0"."segment" = 'Womens E-Mail'
      THEN 'womens_email'
      ELSE NULL
    END AS "variant",
    COALESCE("t0"."segment", '(empty)') AS "label"
  FROM (
    SELECT
      *
    FROM READ_CSV(
      [
        '{files}/hillstrom/Kevin_Hillstrom_MineThatData_E-MailAnalytics_DataMiningChallenge_2008.03.20.csv'
      ],
      delim = ',',
      header = TRUE,
      sample_size = -1,
      skip = 0,
      quote = '"',
      strict_mode = TRUE,
      null_padding = FALSE
    )
  ) AS "t0"
) AS "t1";

-- 2
-- units by variant
-- variant: 0 is control, 1 is mens_email, 2 is womens_email
SELECT
  *
FROM (
  SELECT
    "t0"."variant",
    "t0"."label",
    COUNT(*) AS "n"
  FROM (
    SELECT
      *
    FROM holdfast_assigned
  ) AS "t0"
  GROUP BY
    1,
    2
) AS "t1"
ORDER BY
  "t1"."variant" ASC,
  "t1"."label" ASC;

-- 3
-- one row a unit
--   x0_spend: in units of 10^-4
--   x1_conversion: in units of 10^-4
--   x2_visit: in units of 10^-4
--   x4_visit: in units of 10^-4
CREATE OR REPLACE TEMPORARY TABLE holdfast_units AS
SELECT
  "t0"."variant",
  CAST(ROUND("t0"."outcome_spend" * 10000, 0) AS BIGINT) AS "x0_spend",
  "t0"."outcome_conversion" * 10000 AS "x1_conversion",
  10000 - (
    "t0"."outcome_visit" * 10000
  ) AS "x2_visit",
  "t0"."outcome_conversion" AS "x3_conversion",
  "t0"."outcome_visit" * 10000 AS "x4_visit"
FROM (
  SELECT
    *
  FROM holdfast_assigned
) AS "t0"
WHERE
  "t0"."variant" IS NOT NULL;

-- 4
-- caps, smallest and largest values
SELECT
  COUNT(*) AS "units",
  MIN("t0"."x0_spend") AS "low_x0_spend",
  MAX("t0"."x0_spend") AS "high_x0_spend",
  MIN("t0"."x1_conversion") AS "low_x1_conversion",
  MAX("t0"."x1_conversion") AS "high_x1_conversion",
  MIN("t0"."x2_visit") AS "low_x2_visit",
  MAX("t0"."x2_visit") AS "high_x2_visit",
  MIN("t0"."x3_conversion") AS "low_x3_conversion",
  MAX("t0"."x3_conversion") AS "high_x3_conversion",
  MIN("t0"."x4_visit") AS "low_x4_visit",
  MAX("t0"."x4_visit") AS "high_x4_visit"
FROM (
  SELECT
    *
  FROM holdfast_units
) AS "t0";

-- 5
-- all moments of all metrics, one row a variant
--   n units; s sums and p sums of products, in the units above (of 0 and 1 the sum is its own square's);
--   of numbers without such a unit: mean means, p variances and covariances
--   m0, m1, ...: which units count for a metric; _cap0, _cap1, ...: limited by a cap
--   variant: 0 is control, 1 is mens_email, 2 is womens_email
--   spend: m0, x0_spend
--   conversion: m1, x1_conversion
--   lapsed: m2, x2_visit
--   spend_per_buyer: m3, x0_spend over x3_conversion
--   visit: m4, x4_visit
SELECT
  *
FROM (
  SELECT
    "t0"."variant",
    COUNT(*) AS "units",
    COUNT(*) FILTER(WHERE
      "t0"."x0_spend" IS NOT NULL) AS "n_m0",
    SUM(CAST("t0"."x0_spend" IS NULL AS INT)) AS "empty_x0_spend",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x0_spend" > 0
      ) AND (
        "t0"."x0_spend" IS NOT NULL
      )) AS "active_x0_spend_m0",
    CAST(SUM("t0"."x0_spend") FILTER(WHERE
      "t0"."x0_spend" IS NOT NULL) AS TEXT) AS "s_x0_spend_m0",
    CAST(SUM("t0"."x0_spend" * "t0"."x0_spend") FILTER(WHERE
      "t0"."x0_spend" IS NOT NULL) AS TEXT) AS "p_x0_x0_m0",
    COUNT(*) FILTER(WHERE
      "t0"."x1_conversion" IS NOT NULL) AS "n_m1",
    SUM(CAST("t0"."x1_conversion" IS NULL AS INT)) AS "empty_x1_conversion",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x1_conversion" > 0
      ) AND (
        "t0"."x1_conversion" IS NOT NULL
      )) AS "active_x1_conversion_m1",
    CAST(SUM("t0"."x1_conversion") FILTER(WHERE
      "t0"."x1_conversion" IS NOT NULL) AS TEXT) AS "s_x1_conversion_m1",
    CAST(SUM("t0"."x1_conversion" * "t0"."x1_conversion") FILTER(WHERE
      "t0"."x1_conversion" IS NOT NULL) AS TEXT) AS "p_x1_x1_m1",
    COUNT(*) FILTER(WHERE
      "t0"."x2_visit" IS NOT NULL) AS "n_m2",
    SUM(CAST("t0"."x2_visit" IS NULL AS INT)) AS "empty_x2_visit",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x2_visit" > 0
      ) AND (
        "t0"."x2_visit" IS NOT NULL
      )) AS "active_x2_visit_m2",
    CAST(SUM("t0"."x2_visit") FILTER(WHERE
      "t0"."x2_visit" IS NOT NULL) AS TEXT) AS "s_x2_visit_m2",
    CAST(SUM("t0"."x2_visit" * "t0"."x2_visit") FILTER(WHERE
      "t0"."x2_visit" IS NOT NULL) AS TEXT) AS "p_x2_x2_m2",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x0_spend" IS NOT NULL
      ) AND (
        "t0"."x3_conversion" IS NOT NULL
      )) AS "n_m3",
    SUM(CAST("t0"."x3_conversion" IS NULL AS INT)) AS "empty_x3_conversion",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x3_conversion" > 0
      )
      AND (
        (
          "t0"."x0_spend" IS NOT NULL
        ) AND (
          "t0"."x3_conversion" IS NOT NULL
        )
      )) AS "active_x3_conversion_m3",
    CAST(SUM("t0"."x0_spend") FILTER(WHERE
      (
        "t0"."x0_spend" IS NOT NULL
      ) AND (
        "t0"."x3_conversion" IS NOT NULL
      )) AS TEXT) AS "s_x0_spend_m3",
    CAST(SUM("t0"."x0_spend" * "t0"."x0_spend") FILTER(WHERE
      (
        "t0"."x0_spend" IS NOT NULL
      ) AND (
        "t0"."x3_conversion" IS NOT NULL
      )) AS TEXT) AS "p_x0_x0_m3",
    CAST(SUM("t0"."x0_spend" * "t0"."x3_conversion") FILTER(WHERE
      (
        "t0"."x0_spend" IS NOT NULL
      ) AND (
        "t0"."x3_conversion" IS NOT NULL
      )) AS TEXT) AS "p_x0_x3_m3",
    CAST(SUM("t0"."x3_conversion") FILTER(WHERE
      (
        "t0"."x0_spend" IS NOT NULL
      ) AND (
        "t0"."x3_conversion" IS NOT NULL
      )) AS TEXT) AS "s_x3_conversion_m3",
    CAST(SUM("t0"."x3_conversion" * "t0"."x3_conversion") FILTER(WHERE
      (
        "t0"."x0_spend" IS NOT NULL
      ) AND (
        "t0"."x3_conversion" IS NOT NULL
      )) AS TEXT) AS "p_x3_x3_m3",
    COUNT(*) FILTER(WHERE
      "t0"."x4_visit" IS NOT NULL) AS "n_m4",
    SUM(CAST("t0"."x4_visit" IS NULL AS INT)) AS "empty_x4_visit",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x4_visit" > 0
      ) AND (
        "t0"."x4_visit" IS NOT NULL
      )) AS "active_x4_visit_m4",
    CAST(SUM("t0"."x4_visit") FILTER(WHERE
      "t0"."x4_visit" IS NOT NULL) AS TEXT) AS "s_x4_visit_m4",
    CAST(SUM("t0"."x4_visit" * "t0"."x4_visit") FILTER(WHERE
      "t0"."x4_visit" IS NOT NULL) AS TEXT) AS "p_x4_x4_m4"
  FROM (
    SELECT
      *
    FROM holdfast_units
  ) AS "t0"
  GROUP BY
    1
) AS "t1"
ORDER BY
  "t1"."variant" ASC;
