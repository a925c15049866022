-- 1
-- units by variant
SELECT
  *
FROM (
  SELECT
    "t2"."variant",
    "t2"."label",
    COUNT(*) AS "n"
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
  ) AS "t2"
  GROUP BY
    1,
    2
) AS "t3"
ORDER BY
  "t3"."variant" ASC,
  "t3"."label" ASC;

-- 2
-- all moments of all metrics, one row a variant; __n units, __s sums, __p sums of products
--   m0_given_per_letter_value: given_per_letter, in units of 10^-4
--   m1_gave_value: gave, in units of 10^-4
--   m2_gave_nothing_value: gave_nothing, in units of 10^-4
--   m3_average_gift_numerator: average_gift, in units of 10^-4
--   m3_average_gift_denominator: average_gift, in units of 10^-0
SELECT
  *
FROM (
  SELECT
    "t4"."variant",
    SUM(CAST("t4"."m0_given_per_letter_mature" AS INT)) AS "m0_given_per_letter_value__mature",
    SUM(CAST("t4"."m0_given_per_letter_value__kept" AS INT)) AS "m0_given_per_letter_value__n",
    SUM(
      CAST("t4"."m0_given_per_letter_value__kept"
      AND (
        "t4"."m0_given_per_letter_value" > 0
      ) AS INT)
    ) AS "m0_given_per_letter_value__active",
    MIN(
      CASE
        WHEN "t4"."m0_given_per_letter_value__kept"
        THEN "t4"."m0_given_per_letter_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m0_given_per_letter_value__low",
    MAX(
      CASE
        WHEN "t4"."m0_given_per_letter_value__kept"
        THEN "t4"."m0_given_per_letter_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m0_given_per_letter_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t4"."m0_given_per_letter_value__kept"
        THEN "t4"."m0_given_per_letter_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m0_given_per_letter_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t4"."m0_given_per_letter_value__kept"
        THEN "t4"."m0_given_per_letter_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t4"."m0_given_per_letter_value__kept"
        THEN "t4"."m0_given_per_letter_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m0_given_per_letter_value__p00",
    SUM(CAST("t4"."m1_gave_mature" AS INT)) AS "m1_gave_value__mature",
    SUM(CAST("t4"."m1_gave_value__kept" AS INT)) AS "m1_gave_value__n",
    SUM(CAST("t4"."m1_gave_mature" AND (
      "t4"."m1_gave_value" IS NULL
    ) AS INT)) AS "m1_gave_value__empty",
    SUM(CAST("t4"."m1_gave_value__kept" AND (
      "t4"."m1_gave_value" > 0
    ) AS INT)) AS "m1_gave_value__active",
    MIN(
      CASE
        WHEN "t4"."m1_gave_value__kept"
        THEN "t4"."m1_gave_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m1_gave_value__low",
    MAX(
      CASE
        WHEN "t4"."m1_gave_value__kept"
        THEN "t4"."m1_gave_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m1_gave_value__high",
    CAST(SUM(
      CAST(CASE WHEN "t4"."m1_gave_value__kept" THEN "t4"."m1_gave_value" ELSE 0 END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m1_gave_value__s0",
    CAST(SUM(
      CAST(CASE WHEN "t4"."m1_gave_value__kept" THEN "t4"."m1_gave_value" ELSE 0 END AS DECIMAL(38, 0)) * CAST(CASE WHEN "t4"."m1_gave_value__kept" THEN "t4"."m1_gave_value" ELSE 0 END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m1_gave_value__p00",
    SUM(CAST("t4"."m2_gave_nothing_mature" AS INT)) AS "m2_gave_nothing_value__mature",
    SUM(CAST("t4"."m2_gave_nothing_value__kept" AS INT)) AS "m2_gave_nothing_value__n",
    SUM(
      CAST("t4"."m2_gave_nothing_mature" AND (
        "t4"."m2_gave_nothing_value" IS NULL
      ) AS INT)
    ) AS "m2_gave_nothing_value__empty",
    SUM(
      CAST("t4"."m2_gave_nothing_value__kept" AND (
        "t4"."m2_gave_nothing_value" > 0
      ) AS INT)
    ) AS "m2_gave_nothing_value__active",
    MIN(
      CASE
        WHEN "t4"."m2_gave_nothing_value__kept"
        THEN "t4"."m2_gave_nothing_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m2_gave_nothing_value__low",
    MAX(
      CASE
        WHEN "t4"."m2_gave_nothing_value__kept"
        THEN "t4"."m2_gave_nothing_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m2_gave_nothing_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t4"."m2_gave_nothing_value__kept"
        THEN "t4"."m2_gave_nothing_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m2_gave_nothing_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t4"."m2_gave_nothing_value__kept"
        THEN "t4"."m2_gave_nothing_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t4"."m2_gave_nothing_value__kept"
        THEN "t4"."m2_gave_nothing_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m2_gave_nothing_value__p00",
    SUM(CAST("t4"."m3_average_gift_mature" AS INT)) AS "m3_average_gift_numerator__mature",
    SUM(CAST("t4"."m3_average_gift_numerator__kept" AS INT)) AS "m3_average_gift_numerator__n",
    SUM(
      CAST("t4"."m3_average_gift_mature"
      AND (
        "t4"."m3_average_gift_denominator" IS NULL
      ) AS INT)
    ) AS "m3_average_gift_denominator__empty",
    SUM(
      CAST("t4"."m3_average_gift_numerator__kept"
      AND (
        "t4"."m3_average_gift_denominator" > 0
      ) AS INT)
    ) AS "m3_average_gift_numerator__active",
    MIN(
      CASE
        WHEN "t4"."m3_average_gift_numerator__kept"
        THEN "t4"."m3_average_gift_numerator"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m3_average_gift_numerator__low",
    MAX(
      CASE
        WHEN "t4"."m3_average_gift_numerator__kept"
        THEN "t4"."m3_average_gift_numerator"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m3_average_gift_numerator__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t4"."m3_average_gift_numerator__kept"
        THEN "t4"."m3_average_gift_numerator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_average_gift_numerator__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t4"."m3_average_gift_numerator__kept"
        THEN "t4"."m3_average_gift_denominator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_average_gift_numerator__s1",
    CAST(SUM(
      CAST(CASE
        WHEN "t4"."m3_average_gift_numerator__kept"
        THEN "t4"."m3_average_gift_numerator"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t4"."m3_average_gift_numerator__kept"
        THEN "t4"."m3_average_gift_numerator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_average_gift_numerator__p00",
    CAST(SUM(
      CAST(CASE
        WHEN "t4"."m3_average_gift_numerator__kept"
        THEN "t4"."m3_average_gift_numerator"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t4"."m3_average_gift_numerator__kept"
        THEN "t4"."m3_average_gift_denominator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_average_gift_numerator__p01",
    CAST(SUM(
      CAST(CASE
        WHEN "t4"."m3_average_gift_numerator__kept"
        THEN "t4"."m3_average_gift_denominator"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t4"."m3_average_gift_numerator__kept"
        THEN "t4"."m3_average_gift_denominator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_average_gift_numerator__p11"
  FROM (
    SELECT
      "t3"."variant",
      "t3"."m0_given_per_letter_value",
      "t3"."m0_given_per_letter_mature",
      "t3"."m1_gave_value",
      "t3"."m1_gave_mature",
      "t3"."m2_gave_nothing_value",
      "t3"."m2_gave_nothing_mature",
      "t3"."m3_average_gift_numerator",
      "t3"."m3_average_gift_denominator",
      "t3"."m3_average_gift_mature",
      "t3"."m0_given_per_letter_mature"
      AND (
        NOT "t3"."m0_given_per_letter_value" IS NULL
      ) AS "m0_given_per_letter_value__kept",
      "t3"."m1_gave_mature" AND (
        NOT "t3"."m1_gave_value" IS NULL
      ) AS "m1_gave_value__kept",
      "t3"."m2_gave_nothing_mature" AND (
        NOT "t3"."m2_gave_nothing_value" IS NULL
      ) AS "m2_gave_nothing_value__kept",
      "t3"."m3_average_gift_mature"
      AND (
        (
          NOT "t3"."m3_average_gift_numerator" IS NULL
        )
        AND (
          NOT "t3"."m3_average_gift_denominator" IS NULL
        )
      ) AS "m3_average_gift_numerator__kept"
    FROM (
      SELECT
        "t2"."variant",
        CAST(ROUND("t2"."outcome_out_amountgive" * 10000, 0) AS BIGINT) AS "m0_given_per_letter_value",
        TRUE AS "m0_given_per_letter_mature",
        CAST(ROUND("t2"."outcome_out_gavedum" * 10000, 0) AS BIGINT) AS "m1_gave_value",
        TRUE AS "m1_gave_mature",
        10000 - CAST(ROUND("t2"."outcome_out_gavedum" * 10000, 0) AS BIGINT) AS "m2_gave_nothing_value",
        TRUE AS "m2_gave_nothing_mature",
        CAST(ROUND("t2"."outcome_out_amountgive" * 10000, 0) AS BIGINT) AS "m3_average_gift_numerator",
        CAST(ROUND("t2"."outcome_out_gavedum" * 1, 0) AS BIGINT) AS "m3_average_gift_denominator",
        TRUE AS "m3_average_gift_mature"
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
      ) AS "t2"
      WHERE
        NOT "t2"."variant" IS NULL
    ) AS "t3"
  ) AS "t4"
  GROUP BY
    1
) AS "t5"
ORDER BY
  "t5"."variant" ASC;
