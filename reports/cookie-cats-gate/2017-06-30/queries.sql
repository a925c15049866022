-- 1
-- the assigned units
CREATE OR REPLACE TEMPORARY TABLE holdfast_assigned AS
SELECT
  "t1"."outcome_retention_7",
  "t1"."outcome_retention_1",
  "t1"."outcome_sum_gamerounds",
  "t1"."unit",
  CAST(CASE
    WHEN "t1"."variant" = 'gate_30'
    THEN 0
    WHEN "t1"."variant" = 'gate_40'
    THEN 1
    ELSE NULL
  END AS SMALLINT) AS "variant",
  CASE WHEN "t1"."variant" IS NULL THEN "t1"."label" ELSE CAST(NULL AS TEXT) END AS "label"
FROM (
  SELECT
    "t0"."retention_7" AS "outcome_retention_7",
    "t0"."retention_1" AS "outcome_retention_1",
    "t0"."sum_gamerounds" AS "outcome_sum_gamerounds",
    CASE
      WHEN "t0"."version" = 'gate_30'
      THEN 'gate_30'
      WHEN "t0"."version" = 'gate_40'
      THEN 'gate_40'
      ELSE NULL
    END AS "variant",
    COALESCE("t0"."version", '(empty)') AS "label",
    "t0"."userid" AS "unit"
  FROM (
    SELECT
      *
    FROM READ_CSV(
      ['{files}/cookie_cats/cookie_cats.csv'],
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
-- units seen more than once, and in more than one variant; rows without a key
SELECT
  SUM(CAST("t3"."crossed" AS INT)) AS "crossovers",
  SUM("t3"."seen" - 1) AS "duplicates",
  SUM(CAST("t3"."unit" IS NULL AS INT)) AS "empty"
FROM (
  SELECT
    "t2"."unit",
    CASE WHEN "t2"."low" = -1 THEN CAST(NULL AS SMALLINT) ELSE "t2"."low" END AS "variant",
    CAST("t2"."seen" AS INT) AS "seen",
    "t2"."low" <> "t2"."high" AS "crossed"
  FROM (
    SELECT
      "t1"."unit",
      COUNT(*) AS "seen",
      MIN("t1"."place") AS "low",
      MAX("t1"."place") AS "high"
    FROM (
      SELECT
        "t0"."outcome_retention_7",
        "t0"."outcome_retention_1",
        "t0"."outcome_sum_gamerounds",
        "t0"."unit",
        "t0"."variant",
        "t0"."label",
        COALESCE("t0"."variant", -1) AS "place"
      FROM (
        SELECT
          *
        FROM holdfast_assigned
      ) AS "t0"
    ) AS "t1"
    GROUP BY
      1
  ) AS "t2"
) AS "t3";

-- 3
-- units by variant
-- variant: 0 is gate_30, 1 is gate_40
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

-- 4
-- one row a unit
--   x0_retention_7: in units of 10^-4
--   x1_retention_7: in units of 10^-4
--   x2_retention_1: in units of 10^-4
CREATE OR REPLACE TEMPORARY TABLE holdfast_units AS
SELECT
  "t0"."variant",
  CASE
    WHEN "t0"."outcome_retention_7" IS NULL
    THEN CAST(NULL AS BIGINT)
    ELSE CAST(CASE WHEN "t0"."outcome_retention_7" THEN 10000 ELSE 0 END AS BIGINT)
  END AS "x0_retention_7",
  10000 - CASE
    WHEN "t0"."outcome_retention_7" IS NULL
    THEN CAST(NULL AS BIGINT)
    ELSE CAST(CASE WHEN "t0"."outcome_retention_7" THEN 10000 ELSE 0 END AS BIGINT)
  END AS "x1_retention_7",
  CASE
    WHEN "t0"."outcome_retention_1" IS NULL
    THEN CAST(NULL AS BIGINT)
    ELSE CAST(CASE WHEN "t0"."outcome_retention_1" THEN 10000 ELSE 0 END AS BIGINT)
  END AS "x2_retention_1",
  "t0"."outcome_sum_gamerounds" AS "x3_sum_gamerounds"
FROM (
  SELECT
    *
  FROM holdfast_assigned
) AS "t0"
WHERE
  "t0"."variant" IS NOT NULL;

-- 5
-- caps, smallest and largest values
SELECT
  COUNT(*) AS "units",
  MIN("t0"."x0_retention_7") AS "low_x0_retention_7",
  MAX("t0"."x0_retention_7") AS "high_x0_retention_7",
  MIN("t0"."x1_retention_7") AS "low_x1_retention_7",
  MAX("t0"."x1_retention_7") AS "high_x1_retention_7",
  MIN("t0"."x2_retention_1") AS "low_x2_retention_1",
  MAX("t0"."x2_retention_1") AS "high_x2_retention_1",
  QUANTILE_CONT("t0"."x3_sum_gamerounds", 0.999) FILTER(WHERE
    (
      "t0"."x3_sum_gamerounds" > 0
    ) AND (
      "t0"."x3_sum_gamerounds" IS NOT NULL
    )) AS "cap_0_999_x3_sum_gamerounds_any",
  MIN("t0"."x3_sum_gamerounds") AS "low_x3_sum_gamerounds",
  MAX("t0"."x3_sum_gamerounds") AS "high_x3_sum_gamerounds"
FROM (
  SELECT
    *
  FROM holdfast_units
) AS "t0";

-- 6
-- all moments of all metrics, one row a variant
--   n units; s sums and p sums of products, in the units above (of 0 and 1 the sum is its own square's);
--   of numbers without such a unit: mean means, p variances and covariances
--   m0, m1, ...: which units count for a metric; _cap0, _cap1, ...: limited by a cap
--   variant: 0 is gate_30, 1 is gate_40
--   retention_day_7: m0, x0_retention_7
--   away_on_day_7: m1, x1_retention_7
--   retention_day_1: m2, x2_retention_1
--   rounds: m3, x3_sum_gamerounds_cap0
SELECT
  *
FROM (
  SELECT
    "t0"."variant",
    COUNT(*) AS "units",
    COUNT(*) FILTER(WHERE
      "t0"."x0_retention_7" IS NOT NULL) AS "n_m0",
    SUM(CAST("t0"."x0_retention_7" IS NULL AS INT)) AS "empty_x0_retention_7",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x0_retention_7" > 0
      ) AND (
        "t0"."x0_retention_7" IS NOT NULL
      )) AS "active_x0_retention_7_m0",
    CAST(SUM("t0"."x0_retention_7") FILTER(WHERE
      "t0"."x0_retention_7" IS NOT NULL) AS TEXT) AS "s_x0_retention_7_m0",
    CAST(SUM("t0"."x0_retention_7" * "t0"."x0_retention_7") FILTER(WHERE
      "t0"."x0_retention_7" IS NOT NULL) AS TEXT) AS "p_x0_x0_m0",
    COUNT(*) FILTER(WHERE
      "t0"."x1_retention_7" IS NOT NULL) AS "n_m1",
    SUM(CAST("t0"."x1_retention_7" IS NULL AS INT)) AS "empty_x1_retention_7",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x1_retention_7" > 0
      ) AND (
        "t0"."x1_retention_7" IS NOT NULL
      )) AS "active_x1_retention_7_m1",
    CAST(SUM("t0"."x1_retention_7") FILTER(WHERE
      "t0"."x1_retention_7" IS NOT NULL) AS TEXT) AS "s_x1_retention_7_m1",
    CAST(SUM("t0"."x1_retention_7" * "t0"."x1_retention_7") FILTER(WHERE
      "t0"."x1_retention_7" IS NOT NULL) AS TEXT) AS "p_x1_x1_m1",
    COUNT(*) FILTER(WHERE
      "t0"."x2_retention_1" IS NOT NULL) AS "n_m2",
    SUM(CAST("t0"."x2_retention_1" IS NULL AS INT)) AS "empty_x2_retention_1",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x2_retention_1" > 0
      ) AND (
        "t0"."x2_retention_1" IS NOT NULL
      )) AS "active_x2_retention_1_m2",
    CAST(SUM("t0"."x2_retention_1") FILTER(WHERE
      "t0"."x2_retention_1" IS NOT NULL) AS TEXT) AS "s_x2_retention_1_m2",
    CAST(SUM("t0"."x2_retention_1" * "t0"."x2_retention_1") FILTER(WHERE
      "t0"."x2_retention_1" IS NOT NULL) AS TEXT) AS "p_x2_x2_m2",
    COUNT(*) FILTER(WHERE
      "t0"."x3_sum_gamerounds" IS NOT NULL) AS "n_m3",
    SUM(CAST("t0"."x3_sum_gamerounds" IS NULL AS INT)) AS "empty_x3_sum_gamerounds",
    COUNT(*) FILTER(WHERE
      (
        "t0"."x3_sum_gamerounds" > 0
      ) AND (
        "t0"."x3_sum_gamerounds" IS NOT NULL
      )) AS "active_x3_sum_gamerounds_m3",
    CAST(SUM(
      CASE
        WHEN "t0"."x3_sum_gamerounds" > 1081
        THEN 1081
        ELSE "t0"."x3_sum_gamerounds"
      END
    ) FILTER(WHERE
      "t0"."x3_sum_gamerounds" IS NOT NULL) AS TEXT) AS "s_x3_sum_gamerounds_cap0_m3",
    CAST(SUM(
      CASE
        WHEN "t0"."x3_sum_gamerounds" > 1081
        THEN 1081
        ELSE "t0"."x3_sum_gamerounds"
      END * CASE
        WHEN "t0"."x3_sum_gamerounds" > 1081
        THEN 1081
        ELSE "t0"."x3_sum_gamerounds"
      END
    ) FILTER(WHERE
      "t0"."x3_sum_gamerounds" IS NOT NULL) AS TEXT) AS "p_x3_cap0_x3_cap0_m3",
    CAST(SUM("t0"."x3_sum_gamerounds") FILTER(WHERE
      "t0"."x3_sum_gamerounds" IS NOT NULL) AS TEXT) AS "s_x3_sum_gamerounds_m3",
    CAST(SUM("t0"."x3_sum_gamerounds" * "t0"."x3_sum_gamerounds") FILTER(WHERE
      "t0"."x3_sum_gamerounds" IS NOT NULL) AS TEXT) AS "p_x3_x3_m3"
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
