-- 1
-- the assigned units
CREATE OR REPLACE TEMPORARY TABLE holdfast_assigned AS
SELECT
  "t2"."outcome_out_amountgive",
  "t2"."outcome_out_gavedum",
  CAST(CASE
    WHEN "t2"."variant" = 'control'
    THEN 0
    WHEN "t2"."variant" = 'match_1_1'
    THEN 1
    WHEN "t2"."variant" = 'match_2_1'
    THEN 2
    WHEN "t2"."variant" = 'match_3_1'
    THEN 3
    ELSE NULL
  END AS SMALLINT) AS "variant",
  CASE WHEN "t2"."variant" IS NULL THEN "t2"."label" ELSE CAST(NULL AS TEXT) END AS "label"
FROM (
  SELECT
    "t1"."out_amountgive" AS "outcome_out_amountgive",
    "t1"."out_gavedum" AS "outcome_out_gavedum",
    CASE
      WHEN TRUE AND COALESCE("t1"."treatment" = 0, FALSE)
      THEN 'control'
      WHEN TRUE
      AND COALESCE("t1"."treatment" = 1, FALSE)
      AND COALESCE("t1"."treat_ratio2" = 0, FALSE)
      AND COALESCE("t1"."treat_ratio3" = 0, FALSE)
      THEN 'match_1_1'
      WHEN TRUE
      AND COALESCE("t1"."treatment" = 1, FALSE)
      AND COALESCE("t1"."treat_ratio2" = 1, FALSE)
      THEN 'match_2_1'
      WHEN TRUE
      AND COALESCE("t1"."treatment" = 1, FALSE)
      AND COALESCE("t1"."treat_ratio3" = 1, FALSE)
      THEN 'match_3_1'
      ELSE NULL
    END AS "variant",
    CASE
      WHEN TRUE AND COALESCE("t1"."treatment" = 0, FALSE)
      THEN 'control'
      WHEN TRUE
      AND COALESCE("t1"."treatment" = 1, FALSE)
      AND COALESCE("t1"."treat_ratio2" = 0, FALSE)
      AND COALESCE("t1"."treat_ratio3" = 0, FALSE)
      THEN 'match_1_1'
      WHEN TRUE
      AND COALESCE("t1"."treatment" = 1, FALSE)
      AND COALESCE("t1"."treat_ratio2" = 1, FALSE)
      THEN 'match_2_1'
      WHEN TRUE
      AND COALESCE("t1"."treatment" = 1, FALSE)
      AND COALESCE("t1"."treat_ratio3" = 1, FALSE)
      THEN 'match_3_1'
      ELSE '(no rule matches)'
    END AS "label"
  FROM (
    SELECT
      CASE WHEN "t0"."treatment" = -999 THEN CAST(NULL AS INT) ELSE "t0"."treatment" END AS "treatment",
      CASE
        WHEN "t0"."treat_ratio2" = -999
        THEN CAST(NULL AS INT)
        ELSE "t0"."treat_ratio2"
      END AS "treat_ratio2",
      CASE
        WHEN "t0"."treat_ratio3" = -999
        THEN CAST(NULL AS INT)
        ELSE "t0"."treat_ratio3"
      END AS "treat_ratio3",
      CASE
        WHEN "t0"."out_amountgive" = -999
        THEN CAST(NULL AS DOUBLE)
        ELSE "t0"."out_amountgive"
      END AS "out_amountgive",
      CASE
        WHEN "t0"."out_gavedum" = -999
        THEN CAST(NULL AS INT)
        ELSE "t0"."out_gavedum"
      END AS "out_gavedum"
    FROM (
      SELECT
        *
      FROM READ_PARQUET(['{files}/karlan_list_matching_gift/karlan_list_2007.parquet'])
    ) AS "t0"
  ) AS "t1"
) AS "t2";

-- 2
-- units by variant
-- variant: 0 is control, 1 is match_1_1, 2 is match_2_1, 3 is match_3_1
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
--   x0_out_amountgive: in units of 10^-4
--   x1_out_gavedum: in units of 10^-4
--   x2_out_gavedum: in units of 10^-4
CREATE OR REPLACE TEMPORARY TABLE holdfast_units AS
SELECT
  "t0"."variant",
  CAST(ROUND("t0"."outcome_out_amountgive" * 10000, 0) AS BIGINT) AS "x0_out_amountgive",
  CAST("t0"."outcome_out_gavedum" AS BIGINT) * 10000 AS "x1_out_gavedum",
  10000 - (
    CAST("t0"."outcome_out_gavedum" AS BIGINT) * 10000
  ) AS "x2_out_gavedum",
  CAST("t0"."outcome_out_gavedum" AS BIGINT) AS "x3_out_gavedum"
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
  MIN("t0"."x0_out_amountgive") AS "low_x0_out_amountgive",
  MAX("t0"."x0_out_amountgive") AS "high_x0_out_amountgive",
  MIN("t0"."x1_out_gavedum") AS "low_x1_out_gavedum",
  MAX("t0"."x1_out_gavedum") AS "high_x1_out_gavedum",
  MIN("t0"."x2_out_gavedum") AS "low_x2_out_gavedum",
  MAX("t0"."x2_out_gavedum") AS "high_x2_out_gavedum",
  MIN("t0"."x3_out_gavedum") AS "low_x3_out_gavedum",
  MAX("t0"."x3_out_gavedum") AS "high_x3_out_gavedum"
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
--   variant: 0 is control, 1 is match_1_1, 2 is match_2_1, 3 is match_3_1
--   given_per_letter: m0, x0_out_amountgive
--   gave: m1, x1_out_gavedum
--   gave_nothing: m2, x2_out_gavedum
--   average_gift: m3, x0_out_amountgive over x3_out_gavedum
SELECT
  *
FROM (
  SELECT
    "t0"."variant",
    COUNT(*) AS "units",
    COUNT(*) FILTER(WHERE
      "t0"."x0_out_amountgive" IS NOT NULL) AS "n_m0",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x0_out_amountgive" > 0
      ) AND (
        "t0"."x0_out_amountgive" IS NOT NULL
      )) AS "active_x0_out_amountgive_m0",
    CAST(SUM("t0"."x0_out_amountgive") FILTER(WHERE
      "t0"."x0_out_amountgive" IS NOT NULL) AS TEXT) AS "s_x0_out_amountgive_m0",
    CAST(SUM("t0"."x0_out_amountgive" * "t0"."x0_out_amountgive") FILTER(WHERE
      "t0"."x0_out_amountgive" IS NOT NULL) AS TEXT) AS "p_x0_x0_m0",
    COUNT(*) FILTER(WHERE
      "t0"."x1_out_gavedum" IS NOT NULL) AS "n_m1",
    SUM(CAST("t0"."x1_out_gavedum" IS NULL AS INT)) AS "empty_x1_out_gavedum",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x1_out_gavedum" > 0
      ) AND (
        "t0"."x1_out_gavedum" IS NOT NULL
      )) AS "active_x1_out_gavedum_m1",
    CAST(SUM("t0"."x1_out_gavedum") FILTER(WHERE
      "t0"."x1_out_gavedum" IS NOT NULL) AS TEXT) AS "s_x1_out_gavedum_m1",
    CAST(SUM("t0"."x1_out_gavedum" * "t0"."x1_out_gavedum") FILTER(WHERE
      "t0"."x1_out_gavedum" IS NOT NULL) AS TEXT) AS "p_x1_x1_m1",
    COUNT(*) FILTER(WHERE
      "t0"."x2_out_gavedum" IS NOT NULL) AS "n_m2",
    SUM(CAST("t0"."x2_out_gavedum" IS NULL AS INT)) AS "empty_x2_out_gavedum",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x2_out_gavedum" > 0
      ) AND (
        "t0"."x2_out_gavedum" IS NOT NULL
      )) AS "active_x2_out_gavedum_m2",
    CAST(SUM("t0"."x2_out_gavedum") FILTER(WHERE
      "t0"."x2_out_gavedum" IS NOT NULL) AS TEXT) AS "s_x2_out_gavedum_m2",
    CAST(SUM("t0"."x2_out_gavedum" * "t0"."x2_out_gavedum") FILTER(WHERE
      "t0"."x2_out_gavedum" IS NOT NULL) AS TEXT) AS "p_x2_x2_m2",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x0_out_amountgive" IS NOT NULL
      )
      AND (
        "t0"."x3_out_gavedum" IS NOT NULL
      )) AS "n_m3",
    SUM(CAST("t0"."x3_out_gavedum" IS NULL AS INT)) AS "empty_x3_out_gavedum",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x3_out_gavedum" > 0
      )
      AND (
        (
          "t0"."x0_out_amountgive" IS NOT NULL
        )
        AND (
          "t0"."x3_out_gavedum" IS NOT NULL
        )
      )) AS "active_x3_out_gavedum_m3",
    CAST(SUM("t0"."x0_out_amountgive") FILTER(WHERE
      (
        "t0"."x0_out_amountgive" IS NOT NULL
      )
      AND (
        "t0"."x3_out_gavedum" IS NOT NULL
      )) AS TEXT) AS "s_x0_out_amountgive_m3",
    CAST(SUM("t0"."x0_out_amountgive" * "t0"."x0_out_amountgive") FILTER(WHERE
      (
        "t0"."x0_out_amountgive" IS NOT NULL
      )
      AND (
        "t0"."x3_out_gavedum" IS NOT NULL
      )) AS TEXT) AS "p_x0_x0_m3",
    CAST(SUM("t0"."x0_out_amountgive" * "t0"."x3_out_gavedum") FILTER(WHERE
      (
        "t0"."x0_out_amountgive" IS NOT NULL
      )
      AND (
        "t0"."x3_out_gavedum" IS NOT NULL
      )) AS TEXT) AS "p_x0_x3_m3",
    CAST(SUM("t0"."x3_out_gavedum") FILTER(WHERE
      (
        "t0"."x0_out_amountgive" IS NOT NULL
      )
      AND (
        "t0"."x3_out_gavedum" IS NOT NULL
      )) AS TEXT) AS "s_x3_out_gavedum_m3",
    CAST(SUM("t0"."x3_out_gavedum" * "t0"."x3_out_gavedum") FILTER(WHERE
      (
        "t0"."x0_out_amountgive" IS NOT NULL
      )
      AND (
        "t0"."x3_out_gavedum" IS NOT NULL
      )) AS TEXT) AS "p_x3_x3_m3"
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
