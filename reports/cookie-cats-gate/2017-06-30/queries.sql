-- 1
-- rows without a key
SELECT
  SUM(CAST("t1"."unit" IS NULL AS INT)) AS "n"
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
-- units seen more than once, and in more than one variant
SELECT
  SUM(CAST("t2"."seen_in" > 1 AS INT)) AS "crossovers",
  SUM("t2"."rows" - 1) AS "duplicates",
  COUNT(*) AS "units"
FROM (
  SELECT
    "t1"."unit",
    MIN("t1"."variant") AS "variant",
    MIN("t1"."label") AS "label",
    COUNT(DISTINCT COALESCE("t1"."variant", "t1"."label")) AS "seen_in",
    COUNT(*) AS "rows"
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
  ) AS "t1"
  GROUP BY
    1
) AS "t2";

-- 3
-- units by variant
SELECT
  *
FROM (
  SELECT
    "t1"."variant",
    "t1"."label",
    COUNT(*) AS "n"
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
  ) AS "t1"
  GROUP BY
    1,
    2
) AS "t2"
ORDER BY
  "t2"."variant" ASC,
  "t2"."label" ASC;

-- 4
-- all moments of all metrics, one row a variant; __n units, __s sums, __p sums of products
--   m0_retention_day_7_value: retention_day_7, in units of 10^-4
--   m1_away_on_day_7_value: away_on_day_7, in units of 10^-4
--   m2_retention_day_1_value: retention_day_1, in units of 10^-4
--   m3_rounds_value: rounds, in units of 10^-0
WITH "t2" AS (
  SELECT
    "t1"."variant",
    CASE
      WHEN "t1"."outcome_retention_7" IS NULL
      THEN CAST(NULL AS BIGINT)
      ELSE CAST(CASE WHEN "t1"."outcome_retention_7" THEN 10000 ELSE 0 END AS BIGINT)
    END AS "m0_retention_day_7_value",
    TRUE AS "m0_retention_day_7_mature",
    10000 - CASE
      WHEN "t1"."outcome_retention_7" IS NULL
      THEN CAST(NULL AS BIGINT)
      ELSE CAST(CASE WHEN "t1"."outcome_retention_7" THEN 10000 ELSE 0 END AS BIGINT)
    END AS "m1_away_on_day_7_value",
    TRUE AS "m1_away_on_day_7_mature",
    CASE
      WHEN "t1"."outcome_retention_1" IS NULL
      THEN CAST(NULL AS BIGINT)
      ELSE CAST(CASE WHEN "t1"."outcome_retention_1" THEN 10000 ELSE 0 END AS BIGINT)
    END AS "m2_retention_day_1_value",
    TRUE AS "m2_retention_day_1_mature",
    CAST(ROUND("t1"."outcome_sum_gamerounds" * 1, 0) AS BIGINT) AS "m3_rounds_value",
    TRUE AS "m3_rounds_mature"
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
  ) AS "t1"
  WHERE
    NOT "t1"."variant" IS NULL
)
SELECT
  *
FROM (
  SELECT
    "t6"."variant",
    SUM(CAST("t6"."m0_retention_day_7_mature" AS INT)) AS "m0_retention_day_7_value__mature",
    SUM(CAST("t6"."m0_retention_day_7_value__kept" AS INT)) AS "m0_retention_day_7_value__n",
    SUM(
      CAST("t6"."m0_retention_day_7_mature"
      AND (
        "t6"."m0_retention_day_7_value" IS NULL
      ) AS INT)
    ) AS "m0_retention_day_7_value__empty",
    SUM(
      CAST("t6"."m0_retention_day_7_value__kept"
      AND (
        "t6"."m0_retention_day_7_value" > 0
      ) AS INT)
    ) AS "m0_retention_day_7_value__active",
    MIN(
      CASE
        WHEN "t6"."m0_retention_day_7_value__kept"
        THEN "t6"."m0_retention_day_7_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m0_retention_day_7_value__low",
    MAX(
      CASE
        WHEN "t6"."m0_retention_day_7_value__kept"
        THEN "t6"."m0_retention_day_7_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m0_retention_day_7_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t6"."m0_retention_day_7_value__kept"
        THEN "t6"."m0_retention_day_7_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m0_retention_day_7_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t6"."m0_retention_day_7_value__kept"
        THEN "t6"."m0_retention_day_7_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t6"."m0_retention_day_7_value__kept"
        THEN "t6"."m0_retention_day_7_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m0_retention_day_7_value__p00",
    SUM(CAST("t6"."m1_away_on_day_7_mature" AS INT)) AS "m1_away_on_day_7_value__mature",
    SUM(CAST("t6"."m1_away_on_day_7_value__kept" AS INT)) AS "m1_away_on_day_7_value__n",
    SUM(
      CAST("t6"."m1_away_on_day_7_mature" AND (
        "t6"."m1_away_on_day_7_value" IS NULL
      ) AS INT)
    ) AS "m1_away_on_day_7_value__empty",
    SUM(
      CAST("t6"."m1_away_on_day_7_value__kept" AND (
        "t6"."m1_away_on_day_7_value" > 0
      ) AS INT)
    ) AS "m1_away_on_day_7_value__active",
    MIN(
      CASE
        WHEN "t6"."m1_away_on_day_7_value__kept"
        THEN "t6"."m1_away_on_day_7_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m1_away_on_day_7_value__low",
    MAX(
      CASE
        WHEN "t6"."m1_away_on_day_7_value__kept"
        THEN "t6"."m1_away_on_day_7_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m1_away_on_day_7_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t6"."m1_away_on_day_7_value__kept"
        THEN "t6"."m1_away_on_day_7_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m1_away_on_day_7_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t6"."m1_away_on_day_7_value__kept"
        THEN "t6"."m1_away_on_day_7_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t6"."m1_away_on_day_7_value__kept"
        THEN "t6"."m1_away_on_day_7_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m1_away_on_day_7_value__p00",
    SUM(CAST("t6"."m2_retention_day_1_mature" AS INT)) AS "m2_retention_day_1_value__mature",
    SUM(CAST("t6"."m2_retention_day_1_value__kept" AS INT)) AS "m2_retention_day_1_value__n",
    SUM(
      CAST("t6"."m2_retention_day_1_mature"
      AND (
        "t6"."m2_retention_day_1_value" IS NULL
      ) AS INT)
    ) AS "m2_retention_day_1_value__empty",
    SUM(
      CAST("t6"."m2_retention_day_1_value__kept"
      AND (
        "t6"."m2_retention_day_1_value" > 0
      ) AS INT)
    ) AS "m2_retention_day_1_value__active",
    MIN(
      CASE
        WHEN "t6"."m2_retention_day_1_value__kept"
        THEN "t6"."m2_retention_day_1_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m2_retention_day_1_value__low",
    MAX(
      CASE
        WHEN "t6"."m2_retention_day_1_value__kept"
        THEN "t6"."m2_retention_day_1_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m2_retention_day_1_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t6"."m2_retention_day_1_value__kept"
        THEN "t6"."m2_retention_day_1_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m2_retention_day_1_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t6"."m2_retention_day_1_value__kept"
        THEN "t6"."m2_retention_day_1_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t6"."m2_retention_day_1_value__kept"
        THEN "t6"."m2_retention_day_1_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m2_retention_day_1_value__p00",
    SUM(CAST("t6"."m3_rounds_mature" AS INT)) AS "m3_rounds_value__mature",
    SUM(CAST("t6"."m3_rounds_value__kept" AS INT)) AS "m3_rounds_value__n",
    SUM(CAST("t6"."m3_rounds_mature" AND (
      "t6"."m3_rounds_value" IS NULL
    ) AS INT)) AS "m3_rounds_value__empty",
    SUM(CAST("t6"."m3_rounds_value__kept" AND (
      "t6"."m3_rounds_value" > 0
    ) AS INT)) AS "m3_rounds_value__active",
    MIN(
      CASE
        WHEN "t6"."m3_rounds_value__kept"
        THEN "t6"."m3_rounds_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m3_rounds_value__low",
    MAX(
      CASE
        WHEN "t6"."m3_rounds_value__kept"
        THEN "t6"."m3_rounds_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m3_rounds_value__high",
    CAST(SUM(
      CAST(CASE WHEN "t6"."m3_rounds_value__kept" THEN "t6"."m3_rounds_value" ELSE 0 END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_rounds_value__s0",
    CAST(SUM(
      CAST(CASE WHEN "t6"."m3_rounds_value__kept" THEN "t6"."m3_rounds_value" ELSE 0 END AS DECIMAL(38, 0)) * CAST(CASE WHEN "t6"."m3_rounds_value__kept" THEN "t6"."m3_rounds_value" ELSE 0 END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_rounds_value__p00",
    CAST(SUM(
      CAST(CASE
        WHEN "t6"."m3_rounds_value__kept"
        THEN CASE
          WHEN (
            NOT "t6"."m3_rounds_value__cap" IS NULL
          )
          AND (
            "t6"."m3_rounds_value" > "t6"."m3_rounds_value__cap"
          )
          THEN "t6"."m3_rounds_value__cap"
          ELSE "t6"."m3_rounds_value"
        END
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_rounds_value__capped__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t6"."m3_rounds_value__kept"
        THEN CASE
          WHEN (
            NOT "t6"."m3_rounds_value__cap" IS NULL
          )
          AND (
            "t6"."m3_rounds_value" > "t6"."m3_rounds_value__cap"
          )
          THEN "t6"."m3_rounds_value__cap"
          ELSE "t6"."m3_rounds_value"
        END
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t6"."m3_rounds_value__kept"
        THEN CASE
          WHEN (
            NOT "t6"."m3_rounds_value__cap" IS NULL
          )
          AND (
            "t6"."m3_rounds_value" > "t6"."m3_rounds_value__cap"
          )
          THEN "t6"."m3_rounds_value__cap"
          ELSE "t6"."m3_rounds_value"
        END
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_rounds_value__capped__p00",
    MAX("t6"."m3_rounds_value__cap") AS "m3_rounds_value__cap_used"
  FROM (
    SELECT
      "t3"."variant",
      "t3"."m0_retention_day_7_value",
      "t3"."m0_retention_day_7_mature",
      "t3"."m1_away_on_day_7_value",
      "t3"."m1_away_on_day_7_mature",
      "t3"."m2_retention_day_1_value",
      "t3"."m2_retention_day_1_mature",
      "t3"."m3_rounds_value",
      "t3"."m3_rounds_mature",
      "t3"."m0_retention_day_7_mature"
      AND (
        NOT "t3"."m0_retention_day_7_value" IS NULL
      ) AS "m0_retention_day_7_value__kept",
      "t3"."m1_away_on_day_7_mature"
      AND (
        NOT "t3"."m1_away_on_day_7_value" IS NULL
      ) AS "m1_away_on_day_7_value__kept",
      "t3"."m2_retention_day_1_mature"
      AND (
        NOT "t3"."m2_retention_day_1_value" IS NULL
      ) AS "m2_retention_day_1_value__kept",
      "t3"."m3_rounds_mature" AND (
        NOT "t3"."m3_rounds_value" IS NULL
      ) AS "m3_rounds_value__kept",
      (
        SELECT
          CAST(ROUND(QUANTILE_CONT("t4"."m3_rounds_value", 0.999), 0) AS BIGINT) AS "Round(Quantile(m3_rounds_value, 0.999), 0)"
        FROM (
          SELECT
            "t3"."variant",
            "t3"."m0_retention_day_7_value",
            "t3"."m0_retention_day_7_mature",
            "t3"."m1_away_on_day_7_value",
            "t3"."m1_away_on_day_7_mature",
            "t3"."m2_retention_day_1_value",
            "t3"."m2_retention_day_1_mature",
            "t3"."m3_rounds_value",
            "t3"."m3_rounds_mature",
            "t3"."m0_retention_day_7_mature"
            AND (
              NOT "t3"."m0_retention_day_7_value" IS NULL
            ) AS "m0_retention_day_7_value__kept",
            "t3"."m1_away_on_day_7_mature"
            AND (
              NOT "t3"."m1_away_on_day_7_value" IS NULL
            ) AS "m1_away_on_day_7_value__kept",
            "t3"."m2_retention_day_1_mature"
            AND (
              NOT "t3"."m2_retention_day_1_value" IS NULL
            ) AS "m2_retention_day_1_value__kept",
            "t3"."m3_rounds_mature" AND (
              NOT "t3"."m3_rounds_value" IS NULL
            ) AS "m3_rounds_value__kept"
          FROM "t2" AS "t3"
          WHERE
            (
              "t3"."m3_rounds_mature" AND (
                NOT "t3"."m3_rounds_value" IS NULL
              )
            )
            AND "t3"."m3_rounds_value" > 0
        ) AS "t4"
      ) AS "m3_rounds_value__cap"
    FROM "t2" AS "t3"
  ) AS "t6"
  GROUP BY
    1
) AS "t7"
ORDER BY
  "t7"."variant" ASC;
