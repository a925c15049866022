-- 1
-- units by variant and day of assignment
SELECT
  *
FROM (
  SELECT
    "t2"."variant",
    "t2"."label",
    "t2"."day",
    COUNT(*) AS "n",
    MIN("t2"."t0") AS "first",
    MAX("t2"."t0") AS "last"
  FROM (
    SELECT
      "t1"."unit",
      "t1"."variant",
      "t1"."t0",
      "t1"."label",
      CAST(TIMEZONE('America/New_York', TIMEZONE('UTC', "t1"."t0")) AS DATE) AS "day"
    FROM (
      SELECT
        "t0"."unit",
        "t0"."variant",
        "t0"."assigned_at" AS "t0",
        "t0"."variant" AS "label"
      FROM (
        SELECT
          *
        FROM READ_PARQUET(['{project}/data/assignments/cdnow-replay/v1/1997-10-01.parquet'])
      ) AS "t0"
      WHERE
        (
          "t0"."assigned_at" IS NULL
        )
        OR (
          "t0"."assigned_at" < MAKE_TIMESTAMP(1998, 3, 30, 5, 0, 0.0)
        )
    ) AS "t1"
  ) AS "t2"
  GROUP BY
    1,
    2,
    3
) AS "t3"
ORDER BY
  "t3"."day" ASC,
  "t3"."variant" ASC,
  "t3"."label" ASC;

-- 2
-- all moments of all metrics, one row a variant; __n units, __s sums, __p sums of products
--   m0_revenue_per_customer_value: revenue_per_customer, in units of 10^-2
--   m1_revenue_per_customer_90d_value: revenue_per_customer@90d, in units of 10^-2
--   m2_retained_value: retained, in units of 10^-0
--   m3_churned_value: churned, in units of 10^-0
--   m4_average_order_value_numerator: average_order_value, in units of 10^-2
--   m4_average_order_value_denominator: average_order_value, in units of 10^-0
--   m5_repurchased_value: repurchased, in units of 10^-0
--   m6_orders_per_customer_value: orders_per_customer, in units of 10^-0
--   m7_curve_1_day_0_value: curve_1_day_0, in units of 10^-0
--   m8_curve_1_day_30_value: curve_1_day_30, in units of 10^-0
--   m9_curve_1_day_60_value: curve_1_day_60, in units of 10^-0
--   m10_curve_1_day_90_value: curve_1_day_90, in units of 10^-0
--   m11_curve_1_day_120_value: curve_1_day_120, in units of 10^-0
--   m12_curve_1_day_150_value: curve_1_day_150, in units of 10^-0
WITH "t5" AS (
  SELECT
    "t3"."unit",
    "t3"."variant",
    "t3"."t0",
    "t3"."label",
    CAST(TIMEZONE('America/New_York', TIMEZONE('UTC', "t3"."t0")) AS DATE) AS "day"
  FROM (
    SELECT
      "t0"."unit",
      "t0"."variant",
      "t0"."assigned_at" AS "t0",
      "t0"."variant" AS "label"
    FROM (
      SELECT
        *
      FROM READ_PARQUET(['{project}/data/assignments/cdnow-replay/v1/1997-10-01.parquet'])
    ) AS "t0"
    WHERE
      (
        "t0"."assigned_at" IS NULL
      )
      OR (
        "t0"."assigned_at" < MAKE_TIMESTAMP(1998, 3, 30, 5, 0, 0.0)
      )
  ) AS "t3"
), "t21" AS (
  SELECT
    "t20"."variant",
    COALESCE("t20"."m0_revenue_per_customer_value", 0) AS "m0_revenue_per_customer_value",
    "t20"."t0" <= MAKE_TIMESTAMP(1997, 10, 1, 5, 0, 0.0) AS "m0_revenue_per_customer_mature",
    COALESCE("t20"."m1_revenue_per_customer_90d_value", 0) AS "m1_revenue_per_customer_90d_value",
    "t20"."t0" <= MAKE_TIMESTAMP(1997, 12, 30, 5, 0, 0.0) AS "m1_revenue_per_customer_90d_mature",
    CAST(COALESCE("t20"."m2_retained_value", 0) AS BIGINT) AS "m2_retained_value",
    TIMEZONE(
      'UTC',
      TIMEZONE(
        'America/New_York',
        CAST(CAST(TIMEZONE('America/New_York', TIMEZONE('UTC', "t20"."t0")) AS DATE) + INTERVAL '180' DAY AS TIMESTAMP(6))
      )
    ) <= MAKE_TIMESTAMP(1998, 3, 30, 5, 0, 0.0) AS "m2_retained_mature",
    1 - CAST(COALESCE("t20"."m3_churned_value", 0) AS BIGINT) AS "m3_churned_value",
    TIMEZONE(
      'UTC',
      TIMEZONE(
        'America/New_York',
        CAST(CAST(TIMEZONE('America/New_York', TIMEZONE('UTC', "t20"."t0")) AS DATE) + INTERVAL '180' DAY AS TIMESTAMP(6))
      )
    ) <= MAKE_TIMESTAMP(1998, 3, 30, 5, 0, 0.0) AS "m3_churned_mature",
    COALESCE("t20"."m4_average_order_value_numerator", 0) AS "m4_average_order_value_numerator",
    COALESCE("t20"."m4_average_order_value_denominator", 0) AS "m4_average_order_value_denominator",
    "t20"."t0" <= MAKE_TIMESTAMP(1997, 10, 1, 5, 0, 0.0) AS "m4_average_order_value_mature",
    CAST(COALESCE("t20"."m5_repurchased_value", 0) AS BIGINT) AS "m5_repurchased_value",
    "t20"."t0" <= MAKE_TIMESTAMP(1997, 10, 1, 5, 0, 0.0) AS "m5_repurchased_mature",
    COALESCE("t20"."m6_orders_per_customer_value", 0) AS "m6_orders_per_customer_value",
    "t20"."t0" <= MAKE_TIMESTAMP(1997, 10, 1, 5, 0, 0.0) AS "m6_orders_per_customer_mature",
    CAST(COALESCE("t20"."m7_curve_1_day_0_value", 0) AS BIGINT) AS "m7_curve_1_day_0_value",
    TIMEZONE(
      'UTC',
      TIMEZONE(
        'America/New_York',
        CAST(CAST(TIMEZONE('America/New_York', TIMEZONE('UTC', "t20"."t0")) AS DATE) + INTERVAL '30' DAY AS TIMESTAMP(6))
      )
    ) <= MAKE_TIMESTAMP(1998, 3, 30, 5, 0, 0.0) AS "m7_curve_1_day_0_mature",
    CAST(COALESCE("t20"."m8_curve_1_day_30_value", 0) AS BIGINT) AS "m8_curve_1_day_30_value",
    TIMEZONE(
      'UTC',
      TIMEZONE(
        'America/New_York',
        CAST(CAST(TIMEZONE('America/New_York', TIMEZONE('UTC', "t20"."t0")) AS DATE) + INTERVAL '60' DAY AS TIMESTAMP(6))
      )
    ) <= MAKE_TIMESTAMP(1998, 3, 30, 5, 0, 0.0) AS "m8_curve_1_day_30_mature",
    CAST(COALESCE("t20"."m9_curve_1_day_60_value", 0) AS BIGINT) AS "m9_curve_1_day_60_value",
    TIMEZONE(
      'UTC',
      TIMEZONE(
        'America/New_York',
        CAST(CAST(TIMEZONE('America/New_York', TIMEZONE('UTC', "t20"."t0")) AS DATE) + INTERVAL '90' DAY AS TIMESTAMP(6))
      )
    ) <= MAKE_TIMESTAMP(1998, 3, 30, 5, 0, 0.0) AS "m9_curve_1_day_60_mature",
    CAST(COALESCE("t20"."m10_curve_1_day_90_value", 0) AS BIGINT) AS "m10_curve_1_day_90_value",
    TIMEZONE(
      'UTC',
      TIMEZONE(
        'America/New_York',
        CAST(CAST(TIMEZONE('America/New_York', TIMEZONE('UTC', "t20"."t0")) AS DATE) + INTERVAL '120' DAY AS TIMESTAMP(6))
      )
    ) <= MAKE_TIMESTAMP(1998, 3, 30, 5, 0, 0.0) AS "m10_curve_1_day_90_mature",
    CAST(COALESCE("t20"."m11_curve_1_day_120_value", 0) AS BIGINT) AS "m11_curve_1_day_120_value",
    TIMEZONE(
      'UTC',
      TIMEZONE(
        'America/New_York',
        CAST(CAST(TIMEZONE('America/New_York', TIMEZONE('UTC', "t20"."t0")) AS DATE) + INTERVAL '150' DAY AS TIMESTAMP(6))
      )
    ) <= MAKE_TIMESTAMP(1998, 3, 30, 5, 0, 0.0) AS "m11_curve_1_day_120_mature",
    CAST(COALESCE("t20"."m12_curve_1_day_150_value", 0) AS BIGINT) AS "m12_curve_1_day_150_value",
    TIMEZONE(
      'UTC',
      TIMEZONE(
        'America/New_York',
        CAST(CAST(TIMEZONE('America/New_York', TIMEZONE('UTC', "t20"."t0")) AS DATE) + INTERVAL '180' DAY AS TIMESTAMP(6))
      )
    ) <= MAKE_TIMESTAMP(1998, 3, 30, 5, 0, 0.0) AS "m12_curve_1_day_150_mature"
  FROM (
    SELECT
      "t19".*
      EXCLUDE ("unit_right")
    FROM (
      SELECT
        "t10"."unit",
        "t10"."variant",
        "t10"."t0",
        "t10"."label",
        "t10"."day",
        "t18"."unit" AS "unit_right",
        "t18"."m0_revenue_per_customer_value",
        "t18"."m1_revenue_per_customer_90d_value",
        "t18"."m2_retained_value",
        "t18"."m3_churned_value",
        "t18"."m4_average_order_value_numerator",
        "t18"."m4_average_order_value_denominator",
        "t18"."m5_repurchased_value",
        "t18"."m6_orders_per_customer_value",
        "t18"."m7_curve_1_day_0_value",
        "t18"."m8_curve_1_day_30_value",
        "t18"."m9_curve_1_day_60_value",
        "t18"."m10_curve_1_day_90_value",
        "t18"."m11_curve_1_day_120_value",
        "t18"."m12_curve_1_day_150_value"
      FROM (
        SELECT
          *
        FROM "t5" AS "t6"
        WHERE
          NOT "t6"."variant" IS NULL
      ) AS "t10"
      LEFT OUTER JOIN (
        SELECT
          "t16"."unit",
          SUM(
            CASE
              WHEN (
                "t16"."elapsed" >= 0
              )
              AND (
                "t16"."elapsed" < 180
              )
              AND TRUE
              AND (
                NOT "t16"."f_amount" IS NULL
              )
              THEN CAST(CAST("t16"."f_amount" AS DECIMAL(38, 2)) * 100 AS BIGINT)
              ELSE 0
            END
          ) AS "m0_revenue_per_customer_value",
          SUM(
            CASE
              WHEN (
                "t16"."elapsed" >= 0
              )
              AND (
                "t16"."elapsed" < 90
              )
              AND TRUE
              AND (
                NOT "t16"."f_amount" IS NULL
              )
              THEN CAST(CAST("t16"."f_amount" AS DECIMAL(38, 2)) * 100 AS BIGINT)
              ELSE 0
            END
          ) AS "m1_revenue_per_customer_90d_value",
          MAX(
            CASE
              WHEN (
                "t16"."calendar" >= 90
              ) AND (
                "t16"."calendar" < 180
              ) AND TRUE
              THEN 1
              ELSE 0
            END
          ) AS "m2_retained_value",
          MAX(
            CASE
              WHEN (
                "t16"."calendar" >= 60
              ) AND (
                "t16"."calendar" < 180
              ) AND TRUE
              THEN 1
              ELSE 0
            END
          ) AS "m3_churned_value",
          SUM(
            CASE
              WHEN (
                "t16"."elapsed" >= 0
              )
              AND (
                "t16"."elapsed" < 180
              )
              AND TRUE
              AND (
                NOT "t16"."f_amount" IS NULL
              )
              THEN CAST(CAST("t16"."f_amount" AS DECIMAL(38, 2)) * 100 AS BIGINT)
              ELSE 0
            END
          ) AS "m4_average_order_value_numerator",
          SUM(
            CASE
              WHEN (
                "t16"."elapsed" >= 0
              ) AND (
                "t16"."elapsed" < 180
              ) AND TRUE
              THEN 1
              ELSE 0
            END
          ) AS "m4_average_order_value_denominator",
          MAX(
            CASE
              WHEN (
                "t16"."elapsed" >= 0
              ) AND (
                "t16"."elapsed" < 180
              ) AND TRUE
              THEN 1
              ELSE 0
            END
          ) AS "m5_repurchased_value",
          SUM(
            CASE
              WHEN (
                "t16"."elapsed" >= 0
              ) AND (
                "t16"."elapsed" < 180
              ) AND TRUE
              THEN 1
              ELSE 0
            END
          ) AS "m6_orders_per_customer_value",
          MAX(
            CASE
              WHEN (
                "t16"."calendar" >= 0
              ) AND (
                "t16"."calendar" < 30
              ) AND TRUE
              THEN 1
              ELSE 0
            END
          ) AS "m7_curve_1_day_0_value",
          MAX(
            CASE
              WHEN (
                "t16"."calendar" >= 30
              ) AND (
                "t16"."calendar" < 60
              ) AND TRUE
              THEN 1
              ELSE 0
            END
          ) AS "m8_curve_1_day_30_value",
          MAX(
            CASE
              WHEN (
                "t16"."calendar" >= 60
              ) AND (
                "t16"."calendar" < 90
              ) AND TRUE
              THEN 1
              ELSE 0
            END
          ) AS "m9_curve_1_day_60_value",
          MAX(
            CASE
              WHEN (
                "t16"."calendar" >= 90
              ) AND (
                "t16"."calendar" < 120
              ) AND TRUE
              THEN 1
              ELSE 0
            END
          ) AS "m10_curve_1_day_90_value",
          MAX(
            CASE
              WHEN (
                "t16"."calendar" >= 120
              ) AND (
                "t16"."calendar" < 150
              ) AND TRUE
              THEN 1
              ELSE 0
            END
          ) AS "m11_curve_1_day_120_value",
          MAX(
            CASE
              WHEN (
                "t16"."calendar" >= 150
              ) AND (
                "t16"."calendar" < 180
              ) AND TRUE
              THEN 1
              ELSE 0
            END
          ) AS "m12_curve_1_day_150_value"
        FROM (
          SELECT
            "t15"."unit",
            "t15"."ts",
            "t15"."f_amount",
            "t15"."t0",
            DATE_SUB('day', "t15"."t0", "t15"."ts") AS "elapsed",
            DATE_DIFF(
              'DAY',
              CAST(TIMEZONE('America/New_York', TIMEZONE('UTC', "t15"."t0")) AS DATE),
              CAST(TIMEZONE('America/New_York', TIMEZONE('UTC', "t15"."ts")) AS DATE)
            ) AS "calendar"
          FROM (
            SELECT
              *
            FROM (
              SELECT
                "t13"."unit",
                "t13"."ts",
                "t13"."f_amount",
                "t11"."t0"
              FROM (
                SELECT
                  *
                FROM (
                  SELECT
                    "t4"."customer_id" AS "unit",
                    TIMEZONE('UTC', TIMEZONE('America/New_York', CAST("t4"."ordered_on" AS TIMESTAMP(6)))) AS "ts",
                    "t4"."amount" AS "f_amount"
                  FROM (
                    SELECT
                      LIST_EXTRACT("t2"."parts", 1) AS "customer_id",
                      CAST(STRPTIME(LIST_EXTRACT("t2"."parts", 2), '%Y%m%d') AS DATE) AS "ordered_on",
                      CAST(LIST_EXTRACT("t2"."parts", 4) AS DECIMAL(38, 9)) AS "amount"
                    FROM (
                      SELECT
                        "t1"."line",
                        STR_SPLIT_REGEX("t1"."line", '\s+') AS "parts"
                      FROM (
                        SELECT
                          TRIM(line, ' ' || CHR(9) || CHR(13)) AS line
                        FROM READ_CSV(
                          ['{files}/cdnow/CDNOW_master.txt'],
                          delim = '\x1F',
                          quote = '',
                          escape = '',
                          header = FALSE,
                          "columns" = {'line': 'VARCHAR'},
                          auto_detect = FALSE
                        )
                      ) AS "t1"
                      WHERE
                        "t1"."line" <> ''
                    ) AS "t2"
                  ) AS "t4"
                ) AS "t9"
                WHERE
                  NOT "t9"."unit" IS NULL
                  AND "t9"."ts" >= MAKE_TIMESTAMP(1997, 10, 1, 4, 0, 0.0)
                  AND "t9"."ts" < MAKE_TIMESTAMP(1998, 3, 30, 5, 0, 0.0)
              ) AS "t13"
              INNER JOIN (
                SELECT
                  "t6"."unit",
                  "t6"."t0"
                FROM "t5" AS "t6"
                WHERE
                  NOT "t6"."variant" IS NULL
              ) AS "t11"
                ON "t13"."unit" = "t11"."unit"
            ) AS "t14"
            WHERE
              "t14"."ts" >= "t14"."t0"
          ) AS "t15"
        ) AS "t16"
        GROUP BY
          1
      ) AS "t18"
        ON "t10"."unit" = "t18"."unit"
    ) AS "t19"
  ) AS "t20"
)
SELECT
  *
FROM (
  SELECT
    "t27"."variant",
    SUM(CAST("t27"."m0_revenue_per_customer_mature" AS INT)) AS "m0_revenue_per_customer_value__mature",
    SUM(CAST("t27"."m0_revenue_per_customer_value__kept" AS INT)) AS "m0_revenue_per_customer_value__n",
    SUM(
      CAST("t27"."m0_revenue_per_customer_value__kept"
      AND (
        "t27"."m0_revenue_per_customer_value" > 0
      ) AS INT)
    ) AS "m0_revenue_per_customer_value__active",
    MIN(
      CASE
        WHEN "t27"."m0_revenue_per_customer_value__kept"
        THEN "t27"."m0_revenue_per_customer_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m0_revenue_per_customer_value__low",
    MAX(
      CASE
        WHEN "t27"."m0_revenue_per_customer_value__kept"
        THEN "t27"."m0_revenue_per_customer_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m0_revenue_per_customer_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m0_revenue_per_customer_value__kept"
        THEN "t27"."m0_revenue_per_customer_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m0_revenue_per_customer_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m0_revenue_per_customer_value__kept"
        THEN "t27"."m0_revenue_per_customer_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m0_revenue_per_customer_value__kept"
        THEN "t27"."m0_revenue_per_customer_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m0_revenue_per_customer_value__p00",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m0_revenue_per_customer_value__kept"
        THEN CASE
          WHEN (
            NOT "t27"."m0_revenue_per_customer_value__cap" IS NULL
          )
          AND (
            "t27"."m0_revenue_per_customer_value" > "t27"."m0_revenue_per_customer_value__cap"
          )
          THEN "t27"."m0_revenue_per_customer_value__cap"
          ELSE "t27"."m0_revenue_per_customer_value"
        END
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m0_revenue_per_customer_value__capped__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m0_revenue_per_customer_value__kept"
        THEN CASE
          WHEN (
            NOT "t27"."m0_revenue_per_customer_value__cap" IS NULL
          )
          AND (
            "t27"."m0_revenue_per_customer_value" > "t27"."m0_revenue_per_customer_value__cap"
          )
          THEN "t27"."m0_revenue_per_customer_value__cap"
          ELSE "t27"."m0_revenue_per_customer_value"
        END
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m0_revenue_per_customer_value__kept"
        THEN CASE
          WHEN (
            NOT "t27"."m0_revenue_per_customer_value__cap" IS NULL
          )
          AND (
            "t27"."m0_revenue_per_customer_value" > "t27"."m0_revenue_per_customer_value__cap"
          )
          THEN "t27"."m0_revenue_per_customer_value__cap"
          ELSE "t27"."m0_revenue_per_customer_value"
        END
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m0_revenue_per_customer_value__capped__p00",
    MAX("t27"."m0_revenue_per_customer_value__cap") AS "m0_revenue_per_customer_value__cap_used",
    SUM(CAST("t27"."m1_revenue_per_customer_90d_mature" AS INT)) AS "m1_revenue_per_customer_90d_value__mature",
    SUM(CAST("t27"."m1_revenue_per_customer_90d_value__kept" AS INT)) AS "m1_revenue_per_customer_90d_value__n",
    SUM(
      CAST("t27"."m1_revenue_per_customer_90d_value__kept"
      AND (
        "t27"."m1_revenue_per_customer_90d_value" > 0
      ) AS INT)
    ) AS "m1_revenue_per_customer_90d_value__active",
    MIN(
      CASE
        WHEN "t27"."m1_revenue_per_customer_90d_value__kept"
        THEN "t27"."m1_revenue_per_customer_90d_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m1_revenue_per_customer_90d_value__low",
    MAX(
      CASE
        WHEN "t27"."m1_revenue_per_customer_90d_value__kept"
        THEN "t27"."m1_revenue_per_customer_90d_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m1_revenue_per_customer_90d_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m1_revenue_per_customer_90d_value__kept"
        THEN "t27"."m1_revenue_per_customer_90d_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m1_revenue_per_customer_90d_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m1_revenue_per_customer_90d_value__kept"
        THEN "t27"."m1_revenue_per_customer_90d_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m1_revenue_per_customer_90d_value__kept"
        THEN "t27"."m1_revenue_per_customer_90d_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m1_revenue_per_customer_90d_value__p00",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m1_revenue_per_customer_90d_value__kept"
        THEN CASE
          WHEN (
            NOT "t27"."m1_revenue_per_customer_90d_value__cap" IS NULL
          )
          AND (
            "t27"."m1_revenue_per_customer_90d_value" > "t27"."m1_revenue_per_customer_90d_value__cap"
          )
          THEN "t27"."m1_revenue_per_customer_90d_value__cap"
          ELSE "t27"."m1_revenue_per_customer_90d_value"
        END
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m1_revenue_per_customer_90d_value__capped__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m1_revenue_per_customer_90d_value__kept"
        THEN CASE
          WHEN (
            NOT "t27"."m1_revenue_per_customer_90d_value__cap" IS NULL
          )
          AND (
            "t27"."m1_revenue_per_customer_90d_value" > "t27"."m1_revenue_per_customer_90d_value__cap"
          )
          THEN "t27"."m1_revenue_per_customer_90d_value__cap"
          ELSE "t27"."m1_revenue_per_customer_90d_value"
        END
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m1_revenue_per_customer_90d_value__kept"
        THEN CASE
          WHEN (
            NOT "t27"."m1_revenue_per_customer_90d_value__cap" IS NULL
          )
          AND (
            "t27"."m1_revenue_per_customer_90d_value" > "t27"."m1_revenue_per_customer_90d_value__cap"
          )
          THEN "t27"."m1_revenue_per_customer_90d_value__cap"
          ELSE "t27"."m1_revenue_per_customer_90d_value"
        END
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m1_revenue_per_customer_90d_value__capped__p00",
    MAX("t27"."m1_revenue_per_customer_90d_value__cap") AS "m1_revenue_per_customer_90d_value__cap_used",
    SUM(CAST("t27"."m2_retained_mature" AS INT)) AS "m2_retained_value__mature",
    SUM(CAST("t27"."m2_retained_value__kept" AS INT)) AS "m2_retained_value__n",
    SUM(
      CAST("t27"."m2_retained_value__kept" AND (
        "t27"."m2_retained_value" > 0
      ) AS INT)
    ) AS "m2_retained_value__active",
    MIN(
      CASE
        WHEN "t27"."m2_retained_value__kept"
        THEN "t27"."m2_retained_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m2_retained_value__low",
    MAX(
      CASE
        WHEN "t27"."m2_retained_value__kept"
        THEN "t27"."m2_retained_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m2_retained_value__high",
    CAST(SUM(
      CAST(CASE WHEN "t27"."m2_retained_value__kept" THEN "t27"."m2_retained_value" ELSE 0 END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m2_retained_value__s0",
    CAST(SUM(
      CAST(CASE WHEN "t27"."m2_retained_value__kept" THEN "t27"."m2_retained_value" ELSE 0 END AS DECIMAL(38, 0)) * CAST(CASE WHEN "t27"."m2_retained_value__kept" THEN "t27"."m2_retained_value" ELSE 0 END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m2_retained_value__p00",
    SUM(CAST("t27"."m3_churned_mature" AS INT)) AS "m3_churned_value__mature",
    SUM(CAST("t27"."m3_churned_value__kept" AS INT)) AS "m3_churned_value__n",
    SUM(
      CAST("t27"."m3_churned_value__kept" AND (
        "t27"."m3_churned_value" > 0
      ) AS INT)
    ) AS "m3_churned_value__active",
    MIN(
      CASE
        WHEN "t27"."m3_churned_value__kept"
        THEN "t27"."m3_churned_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m3_churned_value__low",
    MAX(
      CASE
        WHEN "t27"."m3_churned_value__kept"
        THEN "t27"."m3_churned_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m3_churned_value__high",
    CAST(SUM(
      CAST(CASE WHEN "t27"."m3_churned_value__kept" THEN "t27"."m3_churned_value" ELSE 0 END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_churned_value__s0",
    CAST(SUM(
      CAST(CASE WHEN "t27"."m3_churned_value__kept" THEN "t27"."m3_churned_value" ELSE 0 END AS DECIMAL(38, 0)) * CAST(CASE WHEN "t27"."m3_churned_value__kept" THEN "t27"."m3_churned_value" ELSE 0 END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m3_churned_value__p00",
    SUM(CAST("t27"."m4_average_order_value_mature" AS INT)) AS "m4_average_order_value_numerator__mature",
    SUM(CAST("t27"."m4_average_order_value_numerator__kept" AS INT)) AS "m4_average_order_value_numerator__n",
    SUM(
      CAST("t27"."m4_average_order_value_numerator__kept"
      AND (
        "t27"."m4_average_order_value_denominator" > 0
      ) AS INT)
    ) AS "m4_average_order_value_numerator__active",
    MIN(
      CASE
        WHEN "t27"."m4_average_order_value_numerator__kept"
        THEN "t27"."m4_average_order_value_numerator"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m4_average_order_value_numerator__low",
    MAX(
      CASE
        WHEN "t27"."m4_average_order_value_numerator__kept"
        THEN "t27"."m4_average_order_value_numerator"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m4_average_order_value_numerator__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m4_average_order_value_numerator__kept"
        THEN "t27"."m4_average_order_value_numerator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m4_average_order_value_numerator__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m4_average_order_value_numerator__kept"
        THEN "t27"."m4_average_order_value_denominator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m4_average_order_value_numerator__s1",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m4_average_order_value_numerator__kept"
        THEN "t27"."m4_average_order_value_numerator"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m4_average_order_value_numerator__kept"
        THEN "t27"."m4_average_order_value_numerator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m4_average_order_value_numerator__p00",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m4_average_order_value_numerator__kept"
        THEN "t27"."m4_average_order_value_numerator"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m4_average_order_value_numerator__kept"
        THEN "t27"."m4_average_order_value_denominator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m4_average_order_value_numerator__p01",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m4_average_order_value_numerator__kept"
        THEN "t27"."m4_average_order_value_denominator"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m4_average_order_value_numerator__kept"
        THEN "t27"."m4_average_order_value_denominator"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m4_average_order_value_numerator__p11",
    SUM(CAST("t27"."m5_repurchased_mature" AS INT)) AS "m5_repurchased_value__mature",
    SUM(CAST("t27"."m5_repurchased_value__kept" AS INT)) AS "m5_repurchased_value__n",
    SUM(
      CAST("t27"."m5_repurchased_value__kept" AND (
        "t27"."m5_repurchased_value" > 0
      ) AS INT)
    ) AS "m5_repurchased_value__active",
    MIN(
      CASE
        WHEN "t27"."m5_repurchased_value__kept"
        THEN "t27"."m5_repurchased_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m5_repurchased_value__low",
    MAX(
      CASE
        WHEN "t27"."m5_repurchased_value__kept"
        THEN "t27"."m5_repurchased_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m5_repurchased_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m5_repurchased_value__kept"
        THEN "t27"."m5_repurchased_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m5_repurchased_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m5_repurchased_value__kept"
        THEN "t27"."m5_repurchased_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m5_repurchased_value__kept"
        THEN "t27"."m5_repurchased_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m5_repurchased_value__p00",
    SUM(CAST("t27"."m6_orders_per_customer_mature" AS INT)) AS "m6_orders_per_customer_value__mature",
    SUM(CAST("t27"."m6_orders_per_customer_value__kept" AS INT)) AS "m6_orders_per_customer_value__n",
    SUM(
      CAST("t27"."m6_orders_per_customer_value__kept"
      AND (
        "t27"."m6_orders_per_customer_value" > 0
      ) AS INT)
    ) AS "m6_orders_per_customer_value__active",
    MIN(
      CASE
        WHEN "t27"."m6_orders_per_customer_value__kept"
        THEN "t27"."m6_orders_per_customer_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m6_orders_per_customer_value__low",
    MAX(
      CASE
        WHEN "t27"."m6_orders_per_customer_value__kept"
        THEN "t27"."m6_orders_per_customer_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m6_orders_per_customer_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m6_orders_per_customer_value__kept"
        THEN "t27"."m6_orders_per_customer_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m6_orders_per_customer_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m6_orders_per_customer_value__kept"
        THEN "t27"."m6_orders_per_customer_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m6_orders_per_customer_value__kept"
        THEN "t27"."m6_orders_per_customer_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m6_orders_per_customer_value__p00",
    SUM(CAST("t27"."m7_curve_1_day_0_mature" AS INT)) AS "m7_curve_1_day_0_value__mature",
    SUM(CAST("t27"."m7_curve_1_day_0_value__kept" AS INT)) AS "m7_curve_1_day_0_value__n",
    SUM(
      CAST("t27"."m7_curve_1_day_0_value__kept" AND (
        "t27"."m7_curve_1_day_0_value" > 0
      ) AS INT)
    ) AS "m7_curve_1_day_0_value__active",
    MIN(
      CASE
        WHEN "t27"."m7_curve_1_day_0_value__kept"
        THEN "t27"."m7_curve_1_day_0_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m7_curve_1_day_0_value__low",
    MAX(
      CASE
        WHEN "t27"."m7_curve_1_day_0_value__kept"
        THEN "t27"."m7_curve_1_day_0_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m7_curve_1_day_0_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m7_curve_1_day_0_value__kept"
        THEN "t27"."m7_curve_1_day_0_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m7_curve_1_day_0_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m7_curve_1_day_0_value__kept"
        THEN "t27"."m7_curve_1_day_0_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m7_curve_1_day_0_value__kept"
        THEN "t27"."m7_curve_1_day_0_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m7_curve_1_day_0_value__p00",
    SUM(CAST("t27"."m8_curve_1_day_30_mature" AS INT)) AS "m8_curve_1_day_30_value__mature",
    SUM(CAST("t27"."m8_curve_1_day_30_value__kept" AS INT)) AS "m8_curve_1_day_30_value__n",
    SUM(
      CAST("t27"."m8_curve_1_day_30_value__kept"
      AND (
        "t27"."m8_curve_1_day_30_value" > 0
      ) AS INT)
    ) AS "m8_curve_1_day_30_value__active",
    MIN(
      CASE
        WHEN "t27"."m8_curve_1_day_30_value__kept"
        THEN "t27"."m8_curve_1_day_30_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m8_curve_1_day_30_value__low",
    MAX(
      CASE
        WHEN "t27"."m8_curve_1_day_30_value__kept"
        THEN "t27"."m8_curve_1_day_30_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m8_curve_1_day_30_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m8_curve_1_day_30_value__kept"
        THEN "t27"."m8_curve_1_day_30_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m8_curve_1_day_30_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m8_curve_1_day_30_value__kept"
        THEN "t27"."m8_curve_1_day_30_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m8_curve_1_day_30_value__kept"
        THEN "t27"."m8_curve_1_day_30_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m8_curve_1_day_30_value__p00",
    SUM(CAST("t27"."m9_curve_1_day_60_mature" AS INT)) AS "m9_curve_1_day_60_value__mature",
    SUM(CAST("t27"."m9_curve_1_day_60_value__kept" AS INT)) AS "m9_curve_1_day_60_value__n",
    SUM(
      CAST("t27"."m9_curve_1_day_60_value__kept"
      AND (
        "t27"."m9_curve_1_day_60_value" > 0
      ) AS INT)
    ) AS "m9_curve_1_day_60_value__active",
    MIN(
      CASE
        WHEN "t27"."m9_curve_1_day_60_value__kept"
        THEN "t27"."m9_curve_1_day_60_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m9_curve_1_day_60_value__low",
    MAX(
      CASE
        WHEN "t27"."m9_curve_1_day_60_value__kept"
        THEN "t27"."m9_curve_1_day_60_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m9_curve_1_day_60_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m9_curve_1_day_60_value__kept"
        THEN "t27"."m9_curve_1_day_60_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m9_curve_1_day_60_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m9_curve_1_day_60_value__kept"
        THEN "t27"."m9_curve_1_day_60_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m9_curve_1_day_60_value__kept"
        THEN "t27"."m9_curve_1_day_60_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m9_curve_1_day_60_value__p00",
    SUM(CAST("t27"."m10_curve_1_day_90_mature" AS INT)) AS "m10_curve_1_day_90_value__mature",
    SUM(CAST("t27"."m10_curve_1_day_90_value__kept" AS INT)) AS "m10_curve_1_day_90_value__n",
    SUM(
      CAST("t27"."m10_curve_1_day_90_value__kept"
      AND (
        "t27"."m10_curve_1_day_90_value" > 0
      ) AS INT)
    ) AS "m10_curve_1_day_90_value__active",
    MIN(
      CASE
        WHEN "t27"."m10_curve_1_day_90_value__kept"
        THEN "t27"."m10_curve_1_day_90_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m10_curve_1_day_90_value__low",
    MAX(
      CASE
        WHEN "t27"."m10_curve_1_day_90_value__kept"
        THEN "t27"."m10_curve_1_day_90_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m10_curve_1_day_90_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m10_curve_1_day_90_value__kept"
        THEN "t27"."m10_curve_1_day_90_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m10_curve_1_day_90_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m10_curve_1_day_90_value__kept"
        THEN "t27"."m10_curve_1_day_90_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m10_curve_1_day_90_value__kept"
        THEN "t27"."m10_curve_1_day_90_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m10_curve_1_day_90_value__p00",
    SUM(CAST("t27"."m11_curve_1_day_120_mature" AS INT)) AS "m11_curve_1_day_120_value__mature",
    SUM(CAST("t27"."m11_curve_1_day_120_value__kept" AS INT)) AS "m11_curve_1_day_120_value__n",
    SUM(
      CAST("t27"."m11_curve_1_day_120_value__kept"
      AND (
        "t27"."m11_curve_1_day_120_value" > 0
      ) AS INT)
    ) AS "m11_curve_1_day_120_value__active",
    MIN(
      CASE
        WHEN "t27"."m11_curve_1_day_120_value__kept"
        THEN "t27"."m11_curve_1_day_120_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m11_curve_1_day_120_value__low",
    MAX(
      CASE
        WHEN "t27"."m11_curve_1_day_120_value__kept"
        THEN "t27"."m11_curve_1_day_120_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m11_curve_1_day_120_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m11_curve_1_day_120_value__kept"
        THEN "t27"."m11_curve_1_day_120_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m11_curve_1_day_120_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m11_curve_1_day_120_value__kept"
        THEN "t27"."m11_curve_1_day_120_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m11_curve_1_day_120_value__kept"
        THEN "t27"."m11_curve_1_day_120_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m11_curve_1_day_120_value__p00",
    SUM(CAST("t27"."m12_curve_1_day_150_mature" AS INT)) AS "m12_curve_1_day_150_value__mature",
    SUM(CAST("t27"."m12_curve_1_day_150_value__kept" AS INT)) AS "m12_curve_1_day_150_value__n",
    SUM(
      CAST("t27"."m12_curve_1_day_150_value__kept"
      AND (
        "t27"."m12_curve_1_day_150_value" > 0
      ) AS INT)
    ) AS "m12_curve_1_day_150_value__active",
    MIN(
      CASE
        WHEN "t27"."m12_curve_1_day_150_value__kept"
        THEN "t27"."m12_curve_1_day_150_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m12_curve_1_day_150_value__low",
    MAX(
      CASE
        WHEN "t27"."m12_curve_1_day_150_value__kept"
        THEN "t27"."m12_curve_1_day_150_value"
        ELSE CAST(NULL AS BIGINT)
      END
    ) AS "m12_curve_1_day_150_value__high",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m12_curve_1_day_150_value__kept"
        THEN "t27"."m12_curve_1_day_150_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m12_curve_1_day_150_value__s0",
    CAST(SUM(
      CAST(CASE
        WHEN "t27"."m12_curve_1_day_150_value__kept"
        THEN "t27"."m12_curve_1_day_150_value"
        ELSE 0
      END AS DECIMAL(38, 0)) * CAST(CASE
        WHEN "t27"."m12_curve_1_day_150_value__kept"
        THEN "t27"."m12_curve_1_day_150_value"
        ELSE 0
      END AS DECIMAL(38, 0))
    ) AS TEXT) AS "m12_curve_1_day_150_value__p00"
  FROM (
    SELECT
      "t22"."variant",
      "t22"."m0_revenue_per_customer_value",
      "t22"."m0_revenue_per_customer_mature",
      "t22"."m1_revenue_per_customer_90d_value",
      "t22"."m1_revenue_per_customer_90d_mature",
      "t22"."m2_retained_value",
      "t22"."m2_retained_mature",
      "t22"."m3_churned_value",
      "t22"."m3_churned_mature",
      "t22"."m4_average_order_value_numerator",
      "t22"."m4_average_order_value_denominator",
      "t22"."m4_average_order_value_mature",
      "t22"."m5_repurchased_value",
      "t22"."m5_repurchased_mature",
      "t22"."m6_orders_per_customer_value",
      "t22"."m6_orders_per_customer_mature",
      "t22"."m7_curve_1_day_0_value",
      "t22"."m7_curve_1_day_0_mature",
      "t22"."m8_curve_1_day_30_value",
      "t22"."m8_curve_1_day_30_mature",
      "t22"."m9_curve_1_day_60_value",
      "t22"."m9_curve_1_day_60_mature",
      "t22"."m10_curve_1_day_90_value",
      "t22"."m10_curve_1_day_90_mature",
      "t22"."m11_curve_1_day_120_value",
      "t22"."m11_curve_1_day_120_mature",
      "t22"."m12_curve_1_day_150_value",
      "t22"."m12_curve_1_day_150_mature",
      "t22"."m0_revenue_per_customer_mature"
      AND (
        NOT "t22"."m0_revenue_per_customer_value" IS NULL
      ) AS "m0_revenue_per_customer_value__kept",
      "t22"."m1_revenue_per_customer_90d_mature"
      AND (
        NOT "t22"."m1_revenue_per_customer_90d_value" IS NULL
      ) AS "m1_revenue_per_customer_90d_value__kept",
      "t22"."m2_retained_mature" AND (
        NOT "t22"."m2_retained_value" IS NULL
      ) AS "m2_retained_value__kept",
      "t22"."m3_churned_mature" AND (
        NOT "t22"."m3_churned_value" IS NULL
      ) AS "m3_churned_value__kept",
      "t22"."m4_average_order_value_mature"
      AND (
        (
          NOT "t22"."m4_average_order_value_numerator" IS NULL
        )
        AND (
          NOT "t22"."m4_average_order_value_denominator" IS NULL
        )
      ) AS "m4_average_order_value_numerator__kept",
      "t22"."m5_repurchased_mature" AND (
        NOT "t22"."m5_repurchased_value" IS NULL
      ) AS "m5_repurchased_value__kept",
      "t22"."m6_orders_per_customer_mature"
      AND (
        NOT "t22"."m6_orders_per_customer_value" IS NULL
      ) AS "m6_orders_per_customer_value__kept",
      "t22"."m7_curve_1_day_0_mature"
      AND (
        NOT "t22"."m7_curve_1_day_0_value" IS NULL
      ) AS "m7_curve_1_day_0_value__kept",
      "t22"."m8_curve_1_day_30_mature"
      AND (
        NOT "t22"."m8_curve_1_day_30_value" IS NULL
      ) AS "m8_curve_1_day_30_value__kept",
      "t22"."m9_curve_1_day_60_mature"
      AND (
        NOT "t22"."m9_curve_1_day_60_value" IS NULL
      ) AS "m9_curve_1_day_60_value__kept",
      "t22"."m10_curve_1_day_90_mature"
      AND (
        NOT "t22"."m10_curve_1_day_90_value" IS NULL
      ) AS "m10_curve_1_day_90_value__kept",
      "t22"."m11_curve_1_day_120_mature"
      AND (
        NOT "t22"."m11_curve_1_day_120_value" IS NULL
      ) AS "m11_curve_1_day_120_value__kept",
      "t22"."m12_curve_1_day_150_mature"
      AND (
        NOT "t22"."m12_curve_1_day_150_value" IS NULL
      ) AS "m12_curve_1_day_150_value__kept",
      (
        SELECT
          CAST(ROUND(QUANTILE_CONT("t23"."m0_revenue_per_customer_value", 0.999), 0) AS BIGINT) AS "Round(Quantile(m0_revenue_per_customer_value, 0.999), 0)"
        FROM (
          SELECT
            "t22"."variant",
            "t22"."m0_revenue_per_customer_value",
            "t22"."m0_revenue_per_customer_mature",
            "t22"."m1_revenue_per_customer_90d_value",
            "t22"."m1_revenue_per_customer_90d_mature",
            "t22"."m2_retained_value",
            "t22"."m2_retained_mature",
            "t22"."m3_churned_value",
            "t22"."m3_churned_mature",
            "t22"."m4_average_order_value_numerator",
            "t22"."m4_average_order_value_denominator",
            "t22"."m4_average_order_value_mature",
            "t22"."m5_repurchased_value",
            "t22"."m5_repurchased_mature",
            "t22"."m6_orders_per_customer_value",
            "t22"."m6_orders_per_customer_mature",
            "t22"."m7_curve_1_day_0_value",
            "t22"."m7_curve_1_day_0_mature",
            "t22"."m8_curve_1_day_30_value",
            "t22"."m8_curve_1_day_30_mature",
            "t22"."m9_curve_1_day_60_value",
            "t22"."m9_curve_1_day_60_mature",
            "t22"."m10_curve_1_day_90_value",
            "t22"."m10_curve_1_day_90_mature",
            "t22"."m11_curve_1_day_120_value",
            "t22"."m11_curve_1_day_120_mature",
            "t22"."m12_curve_1_day_150_value",
            "t22"."m12_curve_1_day_150_mature",
            "t22"."m0_revenue_per_customer_mature"
            AND (
              NOT "t22"."m0_revenue_per_customer_value" IS NULL
            ) AS "m0_revenue_per_customer_value__kept",
            "t22"."m1_revenue_per_customer_90d_mature"
            AND (
              NOT "t22"."m1_revenue_per_customer_90d_value" IS NULL
            ) AS "m1_revenue_per_customer_90d_value__kept",
            "t22"."m2_retained_mature" AND (
              NOT "t22"."m2_retained_value" IS NULL
            ) AS "m2_retained_value__kept",
            "t22"."m3_churned_mature" AND (
              NOT "t22"."m3_churned_value" IS NULL
            ) AS "m3_churned_value__kept",
            "t22"."m4_average_order_value_mature"
            AND (
              (
                NOT "t22"."m4_average_order_value_numerator" IS NULL
              )
              AND (
                NOT "t22"."m4_average_order_value_denominator" IS NULL
              )
            ) AS "m4_average_order_value_numerator__kept",
            "t22"."m5_repurchased_mature" AND (
              NOT "t22"."m5_repurchased_value" IS NULL
            ) AS "m5_repurchased_value__kept",
            "t22"."m6_orders_per_customer_mature"
            AND (
              NOT "t22"."m6_orders_per_customer_value" IS NULL
            ) AS "m6_orders_per_customer_value__kept",
            "t22"."m7_curve_1_day_0_mature"
            AND (
              NOT "t22"."m7_curve_1_day_0_value" IS NULL
            ) AS "m7_curve_1_day_0_value__kept",
            "t22"."m8_curve_1_day_30_mature"
            AND (
              NOT "t22"."m8_curve_1_day_30_value" IS NULL
            ) AS "m8_curve_1_day_30_value__kept",
            "t22"."m9_curve_1_day_60_mature"
            AND (
              NOT "t22"."m9_curve_1_day_60_value" IS NULL
            ) AS "m9_curve_1_day_60_value__kept",
            "t22"."m10_curve_1_day_90_mature"
            AND (
              NOT "t22"."m10_curve_1_day_90_value" IS NULL
            ) AS "m10_curve_1_day_90_value__kept",
            "t22"."m11_curve_1_day_120_mature"
            AND (
              NOT "t22"."m11_curve_1_day_120_value" IS NULL
            ) AS "m11_curve_1_day_120_value__kept",
            "t22"."m12_curve_1_day_150_mature"
            AND (
              NOT "t22"."m12_curve_1_day_150_value" IS NULL
            ) AS "m12_curve_1_day_150_value__kept"
          FROM "t21" AS "t22"
          WHERE
            (
              "t22"."m0_revenue_per_customer_mature"
              AND (
                NOT "t22"."m0_revenue_per_customer_value" IS NULL
              )
            )
            AND "t22"."m0_revenue_per_customer_value" > 0
        ) AS "t23"
      ) AS "m0_revenue_per_customer_value__cap",
      (
        SELECT
          CAST(ROUND(QUANTILE_CONT("t24"."m1_revenue_per_customer_90d_value", 0.999), 0) AS BIGINT) AS "Round(Quantile(m1_revenue_per_customer_90d_value, 0.999), 0)"
        FROM (
          SELECT
            "t22"."variant",
            "t22"."m0_revenue_per_customer_value",
            "t22"."m0_revenue_per_customer_mature",
            "t22"."m1_revenue_per_customer_90d_value",
            "t22"."m1_revenue_per_customer_90d_mature",
            "t22"."m2_retained_value",
            "t22"."m2_retained_mature",
            "t22"."m3_churned_value",
            "t22"."m3_churned_mature",
            "t22"."m4_average_order_value_numerator",
            "t22"."m4_average_order_value_denominator",
            "t22"."m4_average_order_value_mature",
            "t22"."m5_repurchased_value",
            "t22"."m5_repurchased_mature",
            "t22"."m6_orders_per_customer_value",
            "t22"."m6_orders_per_customer_mature",
            "t22"."m7_curve_1_day_0_value",
            "t22"."m7_curve_1_day_0_mature",
            "t22"."m8_curve_1_day_30_value",
            "t22"."m8_curve_1_day_30_mature",
            "t22"."m9_curve_1_day_60_value",
            "t22"."m9_curve_1_day_60_mature",
            "t22"."m10_curve_1_day_90_value",
            "t22"."m10_curve_1_day_90_mature",
            "t22"."m11_curve_1_day_120_value",
            "t22"."m11_curve_1_day_120_mature",
            "t22"."m12_curve_1_day_150_value",
            "t22"."m12_curve_1_day_150_mature",
            "t22"."m0_revenue_per_customer_mature"
            AND (
              NOT "t22"."m0_revenue_per_customer_value" IS NULL
            ) AS "m0_revenue_per_customer_value__kept",
            "t22"."m1_revenue_per_customer_90d_mature"
            AND (
              NOT "t22"."m1_revenue_per_customer_90d_value" IS NULL
            ) AS "m1_revenue_per_customer_90d_value__kept",
            "t22"."m2_retained_mature" AND (
              NOT "t22"."m2_retained_value" IS NULL
            ) AS "m2_retained_value__kept",
            "t22"."m3_churned_mature" AND (
              NOT "t22"."m3_churned_value" IS NULL
            ) AS "m3_churned_value__kept",
            "t22"."m4_average_order_value_mature"
            AND (
              (
                NOT "t22"."m4_average_order_value_numerator" IS NULL
              )
              AND (
                NOT "t22"."m4_average_order_value_denominator" IS NULL
              )
            ) AS "m4_average_order_value_numerator__kept",
            "t22"."m5_repurchased_mature" AND (
              NOT "t22"."m5_repurchased_value" IS NULL
            ) AS "m5_repurchased_value__kept",
            "t22"."m6_orders_per_customer_mature"
            AND (
              NOT "t22"."m6_orders_per_customer_value" IS NULL
            ) AS "m6_orders_per_customer_value__kept",
            "t22"."m7_curve_1_day_0_mature"
            AND (
              NOT "t22"."m7_curve_1_day_0_value" IS NULL
            ) AS "m7_curve_1_day_0_value__kept",
            "t22"."m8_curve_1_day_30_mature"
            AND (
              NOT "t22"."m8_curve_1_day_30_value" IS NULL
            ) AS "m8_curve_1_day_30_value__kept",
            "t22"."m9_curve_1_day_60_mature"
            AND (
              NOT "t22"."m9_curve_1_day_60_value" IS NULL
            ) AS "m9_curve_1_day_60_value__kept",
            "t22"."m10_curve_1_day_90_mature"
            AND (
              NOT "t22"."m10_curve_1_day_90_value" IS NULL
            ) AS "m10_curve_1_day_90_value__kept",
            "t22"."m11_curve_1_day_120_mature"
            AND (
              NOT "t22"."m11_curve_1_day_120_value" IS NULL
            ) AS "m11_curve_1_day_120_value__kept",
            "t22"."m12_curve_1_day_150_mature"
            AND (
              NOT "t22"."m12_curve_1_day_150_value" IS NULL
            ) AS "m12_curve_1_day_150_value__kept"
          FROM "t21" AS "t22"
          WHERE
            (
              "t22"."m1_revenue_per_customer_90d_mature"
              AND (
                NOT "t22"."m1_revenue_per_customer_90d_value" IS NULL
              )
            )
            AND "t22"."m1_revenue_per_customer_90d_value" > 0
        ) AS "t24"
      ) AS "m1_revenue_per_customer_90d_value__cap"
    FROM "t21" AS "t22"
  ) AS "t27"
  GROUP BY
    1
) AS "t28"
ORDER BY
  "t28"."variant" ASC;
