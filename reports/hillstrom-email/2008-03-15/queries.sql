-- 1
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
  ) AS "t1"
  GROUP BY
    1,
    2
) AS "t2"
ORDER BY
  "t2"."variant" ASC,
  "t2"."label" ASC;

-- 2
-- all moments of all metrics, one row a variant; __n units, __s sums, __p sums of products
--   m0_spend_value: spend, in units of 10^-4
--   m1_conversion_value: conversion, in units of 10^-4
--   m2_lapsed_value: lapsed, in units of 10^-4
--   m3_spend_per_buyer_numerator: spend_per_buyer, in units of 10^-4
--   m3_spend_per_buyer_denominator: spend_per_buyer, in units of 10^-0
--   m4_visit_value: visit, in units of 10^-4
SELECT
  *
FROM (
  SELECT
    "t3"."variant",
    SUM(CAST("t3"."m0_spend_mature" AS INT)) AS "m0_spend_value__mature",
    SUM(CAST("t3"."m0_spend_value__kept" AS INT)) AS "m0_spend_value__n",
    SUM(CAST("t3"."m0_spend_mature" AND (
      "t3"."m0_spend_value" IS NULL
    ) AS INT)) AS "m0_spend_value__empty",
    SUM(CAST("t3"."m0_spend_value__kept" AND (
      "t3"."m0_spend_value" > 0
    ) AS INT)) AS "m0_spend_value__active",
    MIN(
      CASE
        WHEN "t3"."m0_spend_value__kept"
        THEN "t3"."m0_spend_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m0_spend_value__low",
    MAX(
      CASE
        WHEN "t3"."m0_spend_value__kept"
        THEN "t3"."m0_spend_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m0_spend_value__high",
    CAST(SUM(
      CAST(CASE WHEN "t3"."m0_spend_value__kept" THEN "t3"."m0_spend_value" ELSE 0 END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m0_spend_value__s0",
    CAST(SUM(
      CAST(CASE WHEN "t3"."m0_spend_value__kept" THEN "t3"."m0_spend_value" ELSE 0 END AS DECIMAL(38, 0)) * CAST(CASE WHEN "t3"."m0_spend_value__kept" THEN "t3"."m0_spend_value" ELSE 0 END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m0_spend_value__p00",
    SUM(CAST("t3"."m1_conversion_mature" AS INT)) AS "m1_conversion_value__mature",
    SUM(CAST("t3"."m1_conversion_value__kept" AS INT)) AS "m1_conversion_value__n",
    SUM(
      CAST("t3"."m1_conversion_mature" AND (
        "t3"."m1_conversion_value" IS NULL
      ) AS INT)
    ) AS "m1_conversion_value__empty",
    SUM(
      CAST("t3"."m1_conversion_value__kept" AND (
        "t3"."m1_conversion_value" > 0
      ) AS INT)
    ) AS "m1_conversion_value__active",
    MIN(
      CASE
        WHEN "t3"."m1_conversion_value__kept"
        THEN "t3"."m1_conversion_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m1_conversion_value__low",
    MAX(
      CASE
        WHEN "t3"."m1_conversion_value__kept"
        THEN "t3"."m1_conversion_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m1_conversion_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t3"."m1_conversion_value__kept"
        THEN "t3"."m1_conversion_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m1_conversion_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t3"."m1_conversion_value__kept"
        THEN "t3"."m1_conversion_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t3"."m1_conversion_value__kept"
        THEN "t3"."m1_conversion_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m1_conversion_value__p00",
    SUM(CAST("t3"."m2_lapsed_mature" AS INT)) AS "m2_lapsed_value__mature",
    SUM(CAST("t3"."m2_lapsed_value__kept" AS INT)) AS "m2_lapsed_value__n",
    SUM(CAST("t3"."m2_lapsed_mature" AND (
      "t3"."m2_lapsed_value" IS NULL
    ) AS INT)) AS "m2_lapsed_value__empty",
    SUM(CAST("t3"."m2_lapsed_value__kept" AND (
      "t3"."m2_lapsed_value" > 0
    ) AS INT)) AS "m2_lapsed_value__active",
    MIN(
      CASE
        WHEN "t3"."m2_lapsed_value__kept"
        THEN "t3"."m2_lapsed_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m2_lapsed_value__low",
    MAX(
      CASE
        WHEN "t3"."m2_lapsed_value__kept"
        THEN "t3"."m2_lapsed_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m2_lapsed_value__high",
    CAST(SUM(
      CAST(CASE WHEN "t3"."m2_lapsed_value__kept" THEN "t3"."m2_lapsed_value" ELSE 0 END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m2_lapsed_value__s0",
    CAST(SUM(
      CAST(CASE WHEN "t3"."m2_lapsed_value__kept" THEN "t3"."m2_lapsed_value" ELSE 0 END AS DECIMAL(38, 0)) * CAST(CASE WHEN "t3"."m2_lapsed_value__kept" THEN "t3"."m2_lapsed_value" ELSE 0 END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m2_lapsed_value__p00",
    SUM(CAST("t3"."m3_spend_per_buyer_mature" AS INT)) AS "m3_spend_per_buyer_numerator__mature",
    SUM(CAST("t3"."m3_spend_per_buyer_numerator__kept" AS INT)) AS "m3_spend_per_buyer_numerator__n",
    SUM(
      CAST("t3"."m3_spend_per_buyer_mature"
      AND (
        "t3"."m3_spend_per_buyer_numerator" IS NULL
      ) AS INT)
    ) AS "m3_spend_per_buyer_numerator__empty",
    SUM(
      CAST("t3"."m3_spend_per_buyer_mature"
      AND (
        "t3"."m3_spend_per_buyer_denominator" IS NULL
      ) AS INT)
    ) AS "m3_spend_per_buyer_denominator__empty",
    SUM(
      CAST("t3"."m3_spend_per_buyer_numerator__kept"
      AND (
        "t3"."m3_spend_per_buyer_denominator" > 0
      ) AS INT)
    ) AS "m3_spend_per_buyer_numerator__active",
    MIN(
      CASE
        WHEN "t3"."m3_spend_per_buyer_numerator__kept"
        THEN "t3"."m3_spend_per_buyer_numerator"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m3_spend_per_buyer_numerator__low",
    MAX(
      CASE
        WHEN "t3"."m3_spend_per_buyer_numerator__kept"
        THEN "t3"."m3_spend_per_buyer_numerator"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m3_spend_per_buyer_numerator__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t3"."m3_spend_per_buyer_numerator__kept"
        THEN "t3"."m3_spend_per_buyer_numerator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_spend_per_buyer_numerator__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t3"."m3_spend_per_buyer_numerator__kept"
        THEN "t3"."m3_spend_per_buyer_denominator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_spend_per_buyer_numerator__s1",
    CAST(SUM(
      CAST(CASE
        WHEN "t3"."m3_spend_per_buyer_numerator__kept"
        THEN "t3"."m3_spend_per_buyer_numerator"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t3"."m3_spend_per_buyer_numerator__kept"
        THEN "t3"."m3_spend_per_buyer_numerator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_spend_per_buyer_numerator__p00",
    CAST(SUM(
      CAST(CASE
        WHEN "t3"."m3_spend_per_buyer_numerator__kept"
        THEN "t3"."m3_spend_per_buyer_numerator"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t3"."m3_spend_per_buyer_numerator__kept"
        THEN "t3"."m3_spend_per_buyer_denominator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_spend_per_buyer_numerator__p01",
    CAST(SUM(
      CAST(CASE
        WHEN "t3"."m3_spend_per_buyer_numerator__kept"
        THEN "t3"."m3_spend_per_buyer_denominator"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t3"."m3_spend_per_buyer_numerator__kept"
        THEN "t3"."m3_spend_per_buyer_denominator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_spend_per_buyer_numerator__p11",
    SUM(CAST("t3"."m4_visit_mature" AS INT)) AS "m4_visit_value__mature",
    SUM(CAST("t3"."m4_visit_value__kept" AS INT)) AS "m4_visit_value__n",
    SUM(CAST("t3"."m4_visit_mature" AND (
      "t3"."m4_visit_value" IS NULL
    ) AS INT)) AS "m4_visit_value__empty",
    SUM(CAST("t3"."m4_visit_value__kept" AND (
      "t3"."m4_visit_value" > 0
    ) AS INT)) AS "m4_visit_value__active",
    MIN(
      CASE
        WHEN "t3"."m4_visit_value__kept"
        THEN "t3"."m4_visit_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m4_visit_value__low",
    MAX(
      CASE
        WHEN "t3"."m4_visit_value__kept"
        THEN "t3"."m4_visit_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m4_visit_value__high",
    CAST(SUM(
      CAST(CASE WHEN "t3"."m4_visit_value__kept" THEN "t3"."m4_visit_value" ELSE 0 END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m4_visit_value__s0",
    CAST(SUM(
      CAST(CASE WHEN "t3"."m4_visit_value__kept" THEN "t3"."m4_visit_value" ELSE 0 END AS DECIMAL(38, 0)) * CAST(CASE WHEN "t3"."m4_visit_value__kept" THEN "t3"."m4_visit_value" ELSE 0 END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m4_visit_value__p00"
  FROM (
    SELECT
      "t2"."variant",
      "t2"."m0_spend_value",
      "t2"."m0_spend_mature",
      "t2"."m1_conversion_value",
      "t2"."m1_conversion_mature",
      "t2"."m2_lapsed_value",
      "t2"."m2_lapsed_mature",
      "t2"."m3_spend_per_buyer_numerator",
      "t2"."m3_spend_per_buyer_denominator",
      "t2"."m3_spend_per_buyer_mature",
      "t2"."m4_visit_value",
      "t2"."m4_visit_mature",
      "t2"."m0_spend_mature" AND (
        NOT "t2"."m0_spend_value" IS NULL
      ) AS "m0_spend_value__kept",
      "t2"."m1_conversion_mature" AND (
        NOT "t2"."m1_conversion_value" IS NULL
      ) AS "m1_conversion_value__kept",
      "t2"."m2_lapsed_mature" AND (
        NOT "t2"."m2_lapsed_value" IS NULL
      ) AS "m2_lapsed_value__kept",
      "t2"."m3_spend_per_buyer_mature"
      AND (
        (
          NOT "t2"."m3_spend_per_buyer_numerator" IS NULL
        )
        AND (
          NOT "t2"."m3_spend_per_buyer_denominator" IS NULL
        )
      ) AS "m3_spend_per_buyer_numerator__kept",
      "t2"."m4_visit_mature" AND (
        NOT "t2"."m4_visit_value" IS NULL
      ) AS "m4_visit_value__kept"
    FROM (
      SELECT
        "t1"."variant",
        CAST(ROUND("t1"."outcome_spend" * 10000, 0) AS BIGINT) AS "m0_spend_value",
        TRUE AS "m0_spend_mature",
        CAST(ROUND("t1"."outcome_conversion" * 10000, 0) AS BIGINT) AS "m1_conversion_value",
        TRUE AS "m1_conversion_mature",
        10000 - CAST(ROUND("t1"."outcome_visit" * 10000, 0) AS BIGINT) AS "m2_lapsed_value",
        TRUE AS "m2_lapsed_mature",
        CAST(ROUND("t1"."outcome_spend" * 10000, 0) AS BIGINT) AS "m3_spend_per_buyer_numerator",
        CAST(ROUND("t1"."outcome_conversion" * 1, 0) AS BIGINT) AS "m3_spend_per_buyer_denominator",
        TRUE AS "m3_spend_per_buyer_mature",
        CAST(ROUND("t1"."outcome_visit" * 10000, 0) AS BIGINT) AS "m4_visit_value",
        TRUE AS "m4_visit_mature"
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
      ) AS "t1"
      WHERE
        NOT "t1"."variant" IS NULL
    ) AS "t2"
  ) AS "t3"
  GROUP BY
    1
) AS "t4"
ORDER BY
  "t4"."variant" ASC;
