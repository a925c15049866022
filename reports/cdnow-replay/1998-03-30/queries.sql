-- 1
-- the assigned units
CREATE OR REPLACE TEMPORARY TABLE holdfast_assigned AS
SELECT
  "t0"."unit",
  CAST(CASE
    WHEN "t0"."variant" = 'control'
    THEN 0
    WHEN "t0"."variant" = 'replay'
    THEN 1
    ELSE NULL
  END AS SMALLINT) AS "variant",
  EPOCH_US("t0"."assigned_at") AS "t0",
  CAST(CAST(FLOOR(
    (
      CASE
        WHEN EPOCH_US("t0"."assigned_at") >= 877845600000000
        THEN EPOCH_US("t0"."assigned_at") + -18000000000
        ELSE EPOCH_US("t0"."assigned_at") + -14400000000
      END
    ) / (
      86400000000
    )
  ) AS BIGINT) AS INT) AS "day0"
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
  );

-- 2
-- units by variant and day of assignment, as days since 1970-01-01
-- variant: 0 is control, 1 is replay
SELECT
  *
FROM (
  SELECT
    "t0"."variant",
    "t0"."day0",
    COUNT(*) AS "n",
    MIN("t0"."t0") AS "first",
    MAX("t0"."t0") AS "last"
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
  "t1"."day0" ASC,
  "t1"."variant" ASC;

-- 3
-- one row a unit, from cdnow_orders
--   x0_sum_revenue_0_180: in units of 10^-2
--   x1_sum_revenue_0_14: in units of 10^-2
--   x2_sum_revenue_14_28: in units of 10^-2
--   x3_sum_revenue_28_42: in units of 10^-2
--   x4_sum_revenue_42_56: in units of 10^-2
--   x5_sum_revenue_56_70: in units of 10^-2
--   x6_sum_revenue_70_84: in units of 10^-2
--   x7_sum_revenue_84_98: in units of 10^-2
--   x8_sum_revenue_98_112: in units of 10^-2
--   x9_sum_revenue_112_126: in units of 10^-2
--   x10_sum_revenue_126_140: in units of 10^-2
--   x11_sum_revenue_140_154: in units of 10^-2
--   x12_sum_revenue_154_168: in units of 10^-2
--   x13_sum_revenue_168_180: in units of 10^-2
--   x14_sum_revenue_0_90: in units of 10^-2
CREATE OR REPLACE TEMPORARY TABLE holdfast_units AS
SELECT
  "t15"."variant",
  "t15"."t0",
  "t15"."day0",
  COALESCE(CAST("t15"."x1_sum_revenue_0_14" AS BIGINT), 0) + COALESCE(CAST("t15"."x2_sum_revenue_14_28" AS BIGINT), 0) + COALESCE(CAST("t15"."x3_sum_revenue_28_42" AS BIGINT), 0) + COALESCE(CAST("t15"."x4_sum_revenue_42_56" AS BIGINT), 0) + COALESCE(CAST("t15"."x5_sum_revenue_56_70" AS BIGINT), 0) + COALESCE(CAST("t15"."x6_sum_revenue_70_84" AS BIGINT), 0) + COALESCE(CAST("t15"."x7_sum_revenue_84_98" AS BIGINT), 0) + COALESCE(CAST("t15"."x8_sum_revenue_98_112" AS BIGINT), 0) + COALESCE(CAST("t15"."x9_sum_revenue_112_126" AS BIGINT), 0) + COALESCE(CAST("t15"."x10_sum_revenue_126_140" AS BIGINT), 0) + COALESCE(CAST("t15"."x11_sum_revenue_140_154" AS BIGINT), 0) + COALESCE(CAST("t15"."x12_sum_revenue_154_168" AS BIGINT), 0) + COALESCE(CAST("t15"."x13_sum_revenue_168_180" AS BIGINT), 0) AS "x0_sum_revenue_0_180",
  COALESCE(CAST("t15"."x1_sum_revenue_0_14" AS BIGINT), 0) AS "x1_sum_revenue_0_14",
  COALESCE(CAST("t15"."x2_sum_revenue_14_28" AS BIGINT), 0) AS "x2_sum_revenue_14_28",
  COALESCE(CAST("t15"."x3_sum_revenue_28_42" AS BIGINT), 0) AS "x3_sum_revenue_28_42",
  COALESCE(CAST("t15"."x4_sum_revenue_42_56" AS BIGINT), 0) AS "x4_sum_revenue_42_56",
  COALESCE(CAST("t15"."x5_sum_revenue_56_70" AS BIGINT), 0) AS "x5_sum_revenue_56_70",
  COALESCE(CAST("t15"."x6_sum_revenue_70_84" AS BIGINT), 0) AS "x6_sum_revenue_70_84",
  COALESCE(CAST("t15"."x7_sum_revenue_84_98" AS BIGINT), 0) AS "x7_sum_revenue_84_98",
  COALESCE(CAST("t15"."x8_sum_revenue_98_112" AS BIGINT), 0) AS "x8_sum_revenue_98_112",
  COALESCE(CAST("t15"."x9_sum_revenue_112_126" AS BIGINT), 0) AS "x9_sum_revenue_112_126",
  COALESCE(CAST("t15"."x10_sum_revenue_126_140" AS BIGINT), 0) AS "x10_sum_revenue_126_140",
  COALESCE(CAST("t15"."x11_sum_revenue_140_154" AS BIGINT), 0) AS "x11_sum_revenue_140_154",
  COALESCE(CAST("t15"."x12_sum_revenue_154_168" AS BIGINT), 0) AS "x12_sum_revenue_154_168",
  COALESCE(CAST("t15"."x13_sum_revenue_168_180" AS BIGINT), 0) AS "x13_sum_revenue_168_180",
  COALESCE(CAST("t15"."x14_sum_revenue_0_90" AS BIGINT), 0) AS "x14_sum_revenue_0_90",
  CAST(CAST((
    (
      COALESCE("t15"."a0_calendar_cdnow__orders_d1", 0) & 4611686018158952448
    ) <> 0
  )
  OR (
    (
      COALESCE("t15"."a0_calendar_cdnow__orders_d2", 0) & 72057594037927935
    ) <> 0
  ) AS INT) AS TINYINT) AS "x15_active_order_90_180",
  CAST(CAST(NOT (
    (
      (
        COALESCE("t15"."a0_calendar_cdnow__orders_d0", 0) & 3458764513820540928
      ) <> 0
    )
    OR (
      (
        COALESCE("t15"."a0_calendar_cdnow__orders_d1", 0) & 4611686018427387903
      ) <> 0
    )
    OR (
      (
        COALESCE("t15"."a0_calendar_cdnow__orders_d2", 0) & 72057594037927935
      ) <> 0
    )
  ) AS INT) AS TINYINT) AS "x16_inactive_order_60_180",
  CAST(COALESCE("t15"."x17_count_order_0_180", 0) AS INT) AS "x17_count_order_0_180",
  CAST(CAST(COALESCE("t15"."x17_count_order_0_180", 0) > 0 AS INT) AS TINYINT) AS "x18_active_order_0_180",
  CAST(CAST((
    COALESCE("t15"."a0_calendar_cdnow__orders_d0", 0) & 1073741823
  ) <> 0 AS INT) AS TINYINT) AS "x19_active_order_0_30",
  CAST(CAST((
    COALESCE("t15"."a0_calendar_cdnow__orders_d0", 0) & 1152921503533105152
  ) <> 0 AS INT) AS TINYINT) AS "x20_active_order_30_60",
  CAST(CAST((
    (
      COALESCE("t15"."a0_calendar_cdnow__orders_d0", 0) & 3458764513820540928
    ) <> 0
  )
  OR (
    (
      COALESCE("t15"."a0_calendar_cdnow__orders_d1", 0) & 268435455
    ) <> 0
  ) AS INT) AS TINYINT) AS "x21_active_order_60_90",
  CAST(CAST((
    COALESCE("t15"."a0_calendar_cdnow__orders_d1", 0) & 288230375883276288
  ) <> 0 AS INT) AS TINYINT) AS "x22_active_order_90_120",
  CAST(CAST((
    (
      COALESCE("t15"."a0_calendar_cdnow__orders_d1", 0) & 4323455642275676160
    ) <> 0
  )
  OR (
    (
      COALESCE("t15"."a0_calendar_cdnow__orders_d2", 0) & 67108863
    ) <> 0
  ) AS INT) AS TINYINT) AS "x23_active_order_120_150",
  CAST(CAST((
    COALESCE("t15"."a0_calendar_cdnow__orders_d2", 0) & 72057593970819072
  ) <> 0 AS INT) AS TINYINT) AS "x24_active_order_150_180",
  CAST(CAST(CAST(COALESCE("t15"."a1_elapsed_cdnow__orders_w0", 0) AS BIGINT) <> 0 AS INT) AS TINYINT) AS "x25_active_revenue_0_180",
  CAST(CAST(CAST(COALESCE("t15"."a2_elapsed_cdnow__orders_w0", 0) AS BIGINT) <> 0 AS INT) AS TINYINT) AS "x26_active_order_90_180",
  COALESCE("t15"."a0_calendar_cdnow__orders_d0", 0) AS "a0_calendar_cdnow__orders_d0",
  COALESCE("t15"."a0_calendar_cdnow__orders_d1", 0) AS "a0_calendar_cdnow__orders_d1",
  COALESCE("t15"."a0_calendar_cdnow__orders_d2", 0) AS "a0_calendar_cdnow__orders_d2"
FROM (
  SELECT
    "t14".*
    EXCLUDE ("unit_right")
  FROM (
    SELECT
      "t2"."unit",
      "t2"."variant",
      "t2"."t0",
      "t2"."day0",
      "t13"."unit" AS "unit_right",
      "t13"."a0_calendar_cdnow__orders_d0",
      "t13"."a0_calendar_cdnow__orders_d1",
      "t13"."a0_calendar_cdnow__orders_d2",
      "t13"."a1_elapsed_cdnow__orders_w0",
      "t13"."a2_elapsed_cdnow__orders_w0",
      "t13"."x1_sum_revenue_0_14",
      "t13"."x2_sum_revenue_14_28",
      "t13"."x3_sum_revenue_28_42",
      "t13"."x4_sum_revenue_42_56",
      "t13"."x5_sum_revenue_56_70",
      "t13"."x6_sum_revenue_70_84",
      "t13"."x7_sum_revenue_84_98",
      "t13"."x8_sum_revenue_98_112",
      "t13"."x9_sum_revenue_112_126",
      "t13"."x10_sum_revenue_126_140",
      "t13"."x11_sum_revenue_140_154",
      "t13"."x12_sum_revenue_154_168",
      "t13"."x13_sum_revenue_168_180",
      "t13"."x14_sum_revenue_0_90",
      "t13"."x17_count_order_0_180"
    FROM (
      SELECT
        *
      FROM holdfast_assigned
    ) AS "t2"
    LEFT OUTER JOIN (
      SELECT
        "t11"."unit",
        BIT_OR(
          CASE
            WHEN "t11"."calendar" < 5356800000000
            THEN 1 << CAST(FLOOR((
              "t11"."calendar"
            ) / (
              86400000000
            )) AS BIGINT)
            ELSE 0
          END
        ) AS "a0_calendar_cdnow__orders_d0",
        BIT_OR(
          CASE
            WHEN (
              "t11"."calendar" >= 5356800000000
            )
            AND (
              "t11"."calendar" < 10713600000000
            )
            THEN 1 << (
              CAST(FLOOR((
                "t11"."calendar"
              ) / (
                86400000000
              )) AS BIGINT) - 62
            )
            ELSE 0
          END
        ) AS "a0_calendar_cdnow__orders_d1",
        BIT_OR(
          CASE
            WHEN (
              "t11"."calendar" >= 10713600000000
            )
            AND (
              "t11"."calendar" < 15552000000000
            )
            THEN 1 << (
              CAST(FLOOR((
                "t11"."calendar"
              ) / (
                86400000000
              )) AS BIGINT) - 124
            )
            ELSE 0
          END
        ) AS "a0_calendar_cdnow__orders_d2",
        MAX(
          CASE WHEN (
            "t11"."elapsed" < 15552000000000
          ) AND "t11"."w0" THEN 1 ELSE 0 END
        ) AS "a1_elapsed_cdnow__orders_w0",
        MAX(
          CASE
            WHEN (
              "t11"."elapsed" >= 7776000000000
            ) AND (
              "t11"."elapsed" < 15552000000000
            )
            THEN 1
            ELSE 0
          END
        ) AS "a2_elapsed_cdnow__orders_w0",
        SUM("t11"."v0") FILTER(WHERE
          "t11"."elapsed" < 1209600000000) AS "x1_sum_revenue_0_14",
        SUM("t11"."v0") FILTER(WHERE
          (
            "t11"."elapsed" >= 1209600000000
          ) AND (
            "t11"."elapsed" < 2419200000000
          )) AS "x2_sum_revenue_14_28",
        SUM("t11"."v0") FILTER(WHERE
          (
            "t11"."elapsed" >= 2419200000000
          ) AND (
            "t11"."elapsed" < 3628800000000
          )) AS "x3_sum_revenue_28_42",
        SUM("t11"."v0") FILTER(WHERE
          (
            "t11"."elapsed" >= 3628800000000
          ) AND (
            "t11"."elapsed" < 4838400000000
          )) AS "x4_sum_revenue_42_56",
        SUM("t11"."v0") FILTER(WHERE
          (
            "t11"."elapsed" >= 4838400000000
          ) AND (
            "t11"."elapsed" < 6048000000000
          )) AS "x5_sum_revenue_56_70",
        SUM("t11"."v0") FILTER(WHERE
          (
            "t11"."elapsed" >= 6048000000000
          ) AND (
            "t11"."elapsed" < 7257600000000
          )) AS "x6_sum_revenue_70_84",
        SUM("t11"."v0") FILTER(WHERE
          (
            "t11"."elapsed" >= 7257600000000
          ) AND (
            "t11"."elapsed" < 8467200000000
          )) AS "x7_sum_revenue_84_98",
        SUM("t11"."v0") FILTER(WHERE
          (
            "t11"."elapsed" >= 8467200000000
          ) AND (
            "t11"."elapsed" < 9676800000000
          )) AS "x8_sum_revenue_98_112",
        SUM("t11"."v0") FILTER(WHERE
          (
            "t11"."elapsed" >= 9676800000000
          ) AND (
            "t11"."elapsed" < 10886400000000
          )) AS "x9_sum_revenue_112_126",
        SUM("t11"."v0") FILTER(WHERE
          (
            "t11"."elapsed" >= 10886400000000
          )
          AND (
            "t11"."elapsed" < 12096000000000
          )) AS "x10_sum_revenue_126_140",
        SUM("t11"."v0") FILTER(WHERE
          (
            "t11"."elapsed" >= 12096000000000
          )
          AND (
            "t11"."elapsed" < 13305600000000
          )) AS "x11_sum_revenue_140_154",
        SUM("t11"."v0") FILTER(WHERE
          (
            "t11"."elapsed" >= 13305600000000
          )
          AND (
            "t11"."elapsed" < 14515200000000
          )) AS "x12_sum_revenue_154_168",
        SUM("t11"."v0") FILTER(WHERE
          (
            "t11"."elapsed" >= 14515200000000
          )
          AND (
            "t11"."elapsed" < 15552000000000
          )) AS "x13_sum_revenue_168_180",
        SUM("t11"."v0") FILTER(WHERE
          "t11"."elapsed" < 7776000000000) AS "x14_sum_revenue_0_90",
        COUNT(*) FILTER(WHERE
          "t11"."elapsed" < 15552000000000) AS "x17_count_order_0_180"
      FROM (
        SELECT
          *
        FROM (
          SELECT
            "t9"."unit",
            "t9"."us",
            "t9"."w0",
            "t9"."v0",
            "t9"."t0",
            "t9"."day0",
            "t9"."us" - "t9"."t0" AS "elapsed",
            "t9"."us" - "t9"."t0" AS "past",
            CASE
              WHEN "t9"."us" >= 877845600000000
              THEN "t9"."us" + -18000000000
              ELSE "t9"."us" + -14400000000
            END - (
              CAST("t9"."day0" AS BIGINT) * 86400000000
            ) AS "calendar"
          FROM (
            SELECT
              "t8"."unit",
              "t8"."us",
              "t8"."w0",
              "t8"."v0",
              "t4"."t0",
              "t4"."day0"
            FROM (
              SELECT
                "t6"."customer_id" AS "unit",
                CASE
                  WHEN EPOCH_US(CAST("t6"."ordered_on" AS TIMESTAMP(6))) >= 877827600000000
                  THEN EPOCH_US(CAST("t6"."ordered_on" AS TIMESTAMP(6))) + 18000000000
                  ELSE EPOCH_US(CAST("t6"."ordered_on" AS TIMESTAMP(6))) + 14400000000
                END AS "us",
                "t6"."amount" IS NOT NULL AS "w0",
                CAST(CAST("t6"."amount" AS DECIMAL(38, 2)) * 100 AS BIGINT) AS "v0"
              FROM (
                SELECT
                  LIST_EXTRACT("t5"."parts", 1) AS "customer_id",
                  CAST(STRPTIME(LIST_EXTRACT("t5"."parts", 2), '%Y%m%d') AS DATE) AS "ordered_on",
                  CAST(LIST_EXTRACT("t5"."parts", 4) AS DECIMAL(38, 9)) AS "amount"
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
                ) AS "t5"
              ) AS "t6"
              WHERE
                "t6"."ordered_on" < MAKE_DATE(1998, 4, 1)
                AND "t6"."ordered_on" >= MAKE_DATE(1997, 9, 29)
                AND "t6"."customer_id" IS NOT NULL
            ) AS "t8"
            INNER JOIN (
              SELECT
                "t0"."unit",
                "t0"."t0",
                "t0"."day0"
              FROM (
                SELECT
                  *
                FROM holdfast_assigned
              ) AS "t0"
            ) AS "t4"
              ON "t8"."unit" = "t4"."unit"
          ) AS "t9"
          WHERE
            (
              "t9"."us" - "t9"."t0"
            ) >= 0
        ) AS "t10"
        WHERE
          (
            "t10"."elapsed" < 15552000000000
          ) OR (
            "t10"."calendar" < 15552000000000
          )
      ) AS "t11"
      GROUP BY
        1
    ) AS "t13"
      ON "t2"."unit" = "t13"."unit"
  ) AS "t14"
) AS "t15";

-- 4
-- caps, smallest and largest values
SELECT
  COUNT(*) AS "units",
  QUANTILE_CONT("t1"."x0_sum_revenue_0_180", 0.999) FILTER(WHERE
    "t1"."x0_sum_revenue_0_180" > 0) AS "cap_0_999_x0_sum_revenue_0_180_elapsed_180_247565",
  MIN("t1"."x0_sum_revenue_0_180") AS "low_x0_sum_revenue_0_180",
  MAX("t1"."x0_sum_revenue_0_180") AS "high_x0_sum_revenue_0_180",
  MIN("t1"."x1_sum_revenue_0_14") AS "low_x1_sum_revenue_0_14",
  MAX("t1"."x1_sum_revenue_0_14") AS "high_x1_sum_revenue_0_14",
  MIN("t1"."x2_sum_revenue_14_28") AS "low_x2_sum_revenue_14_28",
  MAX("t1"."x2_sum_revenue_14_28") AS "high_x2_sum_revenue_14_28",
  MIN("t1"."x3_sum_revenue_28_42") AS "low_x3_sum_revenue_28_42",
  MAX("t1"."x3_sum_revenue_28_42") AS "high_x3_sum_revenue_28_42",
  MIN("t1"."x4_sum_revenue_42_56") AS "low_x4_sum_revenue_42_56",
  MAX("t1"."x4_sum_revenue_42_56") AS "high_x4_sum_revenue_42_56",
  MIN("t1"."x5_sum_revenue_56_70") AS "low_x5_sum_revenue_56_70",
  MAX("t1"."x5_sum_revenue_56_70") AS "high_x5_sum_revenue_56_70",
  MIN("t1"."x6_sum_revenue_70_84") AS "low_x6_sum_revenue_70_84",
  MAX("t1"."x6_sum_revenue_70_84") AS "high_x6_sum_revenue_70_84",
  MIN("t1"."x7_sum_revenue_84_98") AS "low_x7_sum_revenue_84_98",
  MAX("t1"."x7_sum_revenue_84_98") AS "high_x7_sum_revenue_84_98",
  MIN("t1"."x8_sum_revenue_98_112") AS "low_x8_sum_revenue_98_112",
  MAX("t1"."x8_sum_revenue_98_112") AS "high_x8_sum_revenue_98_112",
  MIN("t1"."x9_sum_revenue_112_126") AS "low_x9_sum_revenue_112_126",
  MAX("t1"."x9_sum_revenue_112_126") AS "high_x9_sum_revenue_112_126",
  MIN("t1"."x10_sum_revenue_126_140") AS "low_x10_sum_revenue_126_140",
  MAX("t1"."x10_sum_revenue_126_140") AS "high_x10_sum_revenue_126_140",
  MIN("t1"."x11_sum_revenue_140_154") AS "low_x11_sum_revenue_140_154",
  MAX("t1"."x11_sum_revenue_140_154") AS "high_x11_sum_revenue_140_154",
  MIN("t1"."x12_sum_revenue_154_168") AS "low_x12_sum_revenue_154_168",
  MAX("t1"."x12_sum_revenue_154_168") AS "high_x12_sum_revenue_154_168",
  MIN("t1"."x13_sum_revenue_168_180") AS "low_x13_sum_revenue_168_180",
  MAX("t1"."x13_sum_revenue_168_180") AS "high_x13_sum_revenue_168_180",
  MIN("t1"."slope_x1_sum_revenue_0_14") AS "low_slope_x1_sum_revenue_0_14",
  MAX("t1"."slope_x1_sum_revenue_0_14") AS "high_slope_x1_sum_revenue_0_14",
  QUANTILE_CONT("t1"."x14_sum_revenue_0_90", 0.999) FILTER(WHERE
    "t1"."x14_sum_revenue_0_90" > 0) AS "cap_0_999_x14_sum_revenue_0_90_elapsed_90_247565",
  MIN("t1"."x14_sum_revenue_0_90") AS "low_x14_sum_revenue_0_90",
  MAX("t1"."x14_sum_revenue_0_90") AS "high_x14_sum_revenue_0_90",
  MIN("t1"."x17_count_order_0_180") AS "low_x17_count_order_0_180",
  MAX("t1"."x17_count_order_0_180") AS "high_x17_count_order_0_180"
FROM (
  SELECT
    "t0"."variant",
    "t0"."t0",
    "t0"."day0",
    "t0"."x0_sum_revenue_0_180",
    "t0"."x1_sum_revenue_0_14",
    "t0"."x2_sum_revenue_14_28",
    "t0"."x3_sum_revenue_28_42",
    "t0"."x4_sum_revenue_42_56",
    "t0"."x5_sum_revenue_56_70",
    "t0"."x6_sum_revenue_70_84",
    "t0"."x7_sum_revenue_84_98",
    "t0"."x8_sum_revenue_98_112",
    "t0"."x9_sum_revenue_112_126",
    "t0"."x10_sum_revenue_126_140",
    "t0"."x11_sum_revenue_140_154",
    "t0"."x12_sum_revenue_154_168",
    "t0"."x13_sum_revenue_168_180",
    "t0"."x14_sum_revenue_0_90",
    "t0"."x15_active_order_90_180",
    "t0"."x16_inactive_order_60_180",
    "t0"."x17_count_order_0_180",
    "t0"."x18_active_order_0_180",
    "t0"."x19_active_order_0_30",
    "t0"."x20_active_order_30_60",
    "t0"."x21_active_order_60_90",
    "t0"."x22_active_order_90_120",
    "t0"."x23_active_order_120_150",
    "t0"."x24_active_order_150_180",
    "t0"."x25_active_revenue_0_180",
    "t0"."x26_active_order_90_180",
    "t0"."a0_calendar_cdnow__orders_d0",
    "t0"."a0_calendar_cdnow__orders_d1",
    "t0"."a0_calendar_cdnow__orders_d2",
    (
      "t0"."x1_sum_revenue_0_14" * -11
    ) + (
      "t0"."x2_sum_revenue_14_28" * -9
    ) + (
      "t0"."x3_sum_revenue_28_42" * -7
    ) + (
      "t0"."x4_sum_revenue_42_56" * -5
    ) + (
      "t0"."x5_sum_revenue_56_70" * -3
    ) + (
      "t0"."x6_sum_revenue_70_84" * -1
    ) + (
      "t0"."x7_sum_revenue_84_98" * 1
    ) + (
      "t0"."x8_sum_revenue_98_112" * 3
    ) + (
      "t0"."x9_sum_revenue_112_126" * 5
    ) + (
      "t0"."x10_sum_revenue_126_140" * 7
    ) + (
      "t0"."x11_sum_revenue_140_154" * 9
    ) + (
      "t0"."x12_sum_revenue_154_168" * 11
    ) AS "slope_x1_sum_revenue_0_14"
  FROM (
    SELECT
      *
    FROM holdfast_units
  ) AS "t0"
) AS "t1";

-- 5
-- all moments of all metrics, one row a variant
--   n units; s sums and p sums of products, in the units above (of 0 and 1 the sum is its own square's);
--   of numbers without such a unit: mean means, p variances and covariances
--   m0, m1, ...: which units count for a metric; _cap0, _cap1, ...: limited by a cap
--   variant: 0 is control, 1 is replay
--   revenue_per_customer: m0, x0_sum_revenue_0_180_cap0
--   slope_x1_sum_revenue_0_14: sum of (2 k - K + 1) times part k of K, which is 286 times the slope
--   revenue_per_customer@90d: m0, x14_sum_revenue_0_90_cap1
--   retained: m0, x15_active_order_90_180
--   churned: m0, x16_inactive_order_60_180
--   average_order_value: m0, x0_sum_revenue_0_180 over x17_count_order_0_180
--   repurchased: m0, x18_active_order_0_180
--   orders_per_customer: m0, x17_count_order_0_180
--   curve_1_day_0: m0, x19_active_order_0_30
--   curve_1_day_30: m0, x20_active_order_30_60
--   curve_1_day_60: m0, x21_active_order_60_90
--   curve_1_day_90: m0, x22_active_order_90_120
--   curve_1_day_120: m0, x23_active_order_120_150
--   curve_1_day_150: m0, x24_active_order_150_180
--   money: m0, x0_sum_revenue_0_180 over x25_active_revenue_0_180 over x26_active_order_90_180
SELECT
  *
FROM (
  SELECT
    "t1"."variant",
    COUNT(*) AS "units",
    COUNT(*) AS "n_m0",
    COUNT(*) FILTER(WHERE
      "t1"."x0_sum_revenue_0_180" > 0) AS "active_x0_sum_revenue_0_180_m0",
    CAST(SUM(
      CASE
        WHEN "t1"."x0_sum_revenue_0_180" > 226076
        THEN 226076
        ELSE "t1"."x0_sum_revenue_0_180"
      END
    ) AS TEXT) AS "s_x0_sum_revenue_0_180_cap0_m0",
    CAST(SUM(
      CASE
        WHEN "t1"."x0_sum_revenue_0_180" > 226076
        THEN 226076
        ELSE "t1"."x0_sum_revenue_0_180"
      END * CASE
        WHEN "t1"."x0_sum_revenue_0_180" > 226076
        THEN 226076
        ELSE "t1"."x0_sum_revenue_0_180"
      END
    ) AS TEXT) AS "p_x0_cap0_x0_cap0_m0",
    CAST(SUM("t1"."x0_sum_revenue_0_180") AS TEXT) AS "s_x0_sum_revenue_0_180_m0",
    CAST(SUM("t1"."x0_sum_revenue_0_180" * "t1"."x0_sum_revenue_0_180") AS TEXT) AS "p_x0_x0_m0",
    CAST(SUM("t1"."x1_sum_revenue_0_14") AS TEXT) AS "s_x1_sum_revenue_0_14_m0",
    CAST(SUM("t1"."x1_sum_revenue_0_14" * "t1"."x1_sum_revenue_0_14") AS TEXT) AS "p_x1_x1_m0",
    CAST(SUM("t1"."x2_sum_revenue_14_28") AS TEXT) AS "s_x2_sum_revenue_14_28_m0",
    CAST(SUM("t1"."x2_sum_revenue_14_28" * "t1"."x2_sum_revenue_14_28") AS TEXT) AS "p_x2_x2_m0",
    CAST(SUM("t1"."x3_sum_revenue_28_42") AS TEXT) AS "s_x3_sum_revenue_28_42_m0",
    CAST(SUM("t1"."x3_sum_revenue_28_42" * "t1"."x3_sum_revenue_28_42") AS TEXT) AS "p_x3_x3_m0",
    CAST(SUM("t1"."x4_sum_revenue_42_56") AS TEXT) AS "s_x4_sum_revenue_42_56_m0",
    CAST(SUM("t1"."x4_sum_revenue_42_56" * "t1"."x4_sum_revenue_42_56") AS TEXT) AS "p_x4_x4_m0",
    CAST(SUM("t1"."x5_sum_revenue_56_70") AS TEXT) AS "s_x5_sum_revenue_56_70_m0",
    CAST(SUM("t1"."x5_sum_revenue_56_70" * "t1"."x5_sum_revenue_56_70") AS TEXT) AS "p_x5_x5_m0",
    CAST(SUM("t1"."x6_sum_revenue_70_84") AS TEXT) AS "s_x6_sum_revenue_70_84_m0",
    CAST(SUM("t1"."x6_sum_revenue_70_84" * "t1"."x6_sum_revenue_70_84") AS TEXT) AS "p_x6_x6_m0",
    CAST(SUM("t1"."x7_sum_revenue_84_98") AS TEXT) AS "s_x7_sum_revenue_84_98_m0",
    CAST(SUM("t1"."x7_sum_revenue_84_98" * "t1"."x7_sum_revenue_84_98") AS TEXT) AS "p_x7_x7_m0",
    CAST(SUM("t1"."x8_sum_revenue_98_112") AS TEXT) AS "s_x8_sum_revenue_98_112_m0",
    CAST(SUM("t1"."x8_sum_revenue_98_112" * "t1"."x8_sum_revenue_98_112") AS TEXT) AS "p_x8_x8_m0",
    CAST(SUM("t1"."x9_sum_revenue_112_126") AS TEXT) AS "s_x9_sum_revenue_112_126_m0",
    CAST(SUM("t1"."x9_sum_revenue_112_126" * "t1"."x9_sum_revenue_112_126") AS TEXT) AS "p_x9_x9_m0",
    CAST(SUM("t1"."x10_sum_revenue_126_140") AS TEXT) AS "s_x10_sum_revenue_126_140_m0",
    CAST(SUM("t1"."x10_sum_revenue_126_140" * "t1"."x10_sum_revenue_126_140") AS TEXT) AS "p_x10_x10_m0",
    CAST(SUM("t1"."x11_sum_revenue_140_154") AS TEXT) AS "s_x11_sum_revenue_140_154_m0",
    CAST(SUM("t1"."x11_sum_revenue_140_154" * "t1"."x11_sum_revenue_140_154") AS TEXT) AS "p_x11_x11_m0",
    CAST(SUM("t1"."x12_sum_revenue_154_168") AS TEXT) AS "s_x12_sum_revenue_154_168_m0",
    CAST(SUM("t1"."x12_sum_revenue_154_168" * "t1"."x12_sum_revenue_154_168") AS TEXT) AS "p_x12_x12_m0",
    CAST(SUM("t1"."x13_sum_revenue_168_180") AS TEXT) AS "s_x13_sum_revenue_168_180_m0",
    CAST(SUM("t1"."x13_sum_revenue_168_180" * "t1"."x13_sum_revenue_168_180") AS TEXT) AS "p_x13_x13_m0",
    CAST(SUM("t1"."slope_x1_sum_revenue_0_14") AS TEXT) AS "s_slope_x1_sum_revenue_0_14_m0",
    CAST(SUM("t1"."slope_x1_sum_revenue_0_14" * "t1"."slope_x1_sum_revenue_0_14") AS TEXT) AS "p_slope_slope_m0",
    COUNT(*) FILTER(WHERE
      "t1"."x14_sum_revenue_0_90" > 0) AS "active_x14_sum_revenue_0_90_m0",
    CAST(SUM(
      CASE
        WHEN "t1"."x14_sum_revenue_0_90" > 133859
        THEN 133859
        ELSE "t1"."x14_sum_revenue_0_90"
      END
    ) AS TEXT) AS "s_x14_sum_revenue_0_90_cap1_m0",
    CAST(SUM(
      CASE
        WHEN "t1"."x14_sum_revenue_0_90" > 133859
        THEN 133859
        ELSE "t1"."x14_sum_revenue_0_90"
      END * CASE
        WHEN "t1"."x14_sum_revenue_0_90" > 133859
        THEN 133859
        ELSE "t1"."x14_sum_revenue_0_90"
      END
    ) AS TEXT) AS "p_x14_cap1_x14_cap1_m0",
    CAST(SUM("t1"."x14_sum_revenue_0_90") AS TEXT) AS "s_x14_sum_revenue_0_90_m0",
    CAST(SUM("t1"."x14_sum_revenue_0_90" * "t1"."x14_sum_revenue_0_90") AS TEXT) AS "p_x14_x14_m0",
    COUNT(*) FILTER(WHERE
      "t1"."x15_active_order_90_180" > 0) AS "active_x15_active_order_90_180_m0",
    CAST(SUM("t1"."x15_active_order_90_180") AS TEXT) AS "s_x15_active_order_90_180_m0",
    COUNT(*) FILTER(WHERE
      "t1"."x16_inactive_order_60_180" > 0) AS "active_x16_inactive_order_60_180_m0",
    CAST(SUM("t1"."x16_inactive_order_60_180") AS TEXT) AS "s_x16_inactive_order_60_180_m0",
    COUNT(*) FILTER(WHERE
      "t1"."x17_count_order_0_180" > 0) AS "active_x17_count_order_0_180_m0",
    CAST(SUM("t1"."x0_sum_revenue_0_180" * CAST("t1"."x17_count_order_0_180" AS BIGINT)) AS TEXT) AS "p_x0_x17_m0",
    CAST(SUM("t1"."x17_count_order_0_180") AS TEXT) AS "s_x17_count_order_0_180_m0",
    CAST(SUM(
      CAST("t1"."x17_count_order_0_180" AS BIGINT) * CAST("t1"."x17_count_order_0_180" AS BIGINT)
    ) AS TEXT) AS "p_x17_x17_m0",
    COUNT(*) FILTER(WHERE
      "t1"."x18_active_order_0_180" > 0) AS "active_x18_active_order_0_180_m0",
    CAST(SUM("t1"."x18_active_order_0_180") AS TEXT) AS "s_x18_active_order_0_180_m0",
    COUNT(*) FILTER(WHERE
      "t1"."x19_active_order_0_30" > 0) AS "active_x19_active_order_0_30_m0",
    CAST(SUM("t1"."x19_active_order_0_30") AS TEXT) AS "s_x19_active_order_0_30_m0",
    COUNT(*) FILTER(WHERE
      "t1"."x20_active_order_30_60" > 0) AS "active_x20_active_order_30_60_m0",
    CAST(SUM("t1"."x20_active_order_30_60") AS TEXT) AS "s_x20_active_order_30_60_m0",
    COUNT(*) FILTER(WHERE
      "t1"."x21_active_order_60_90" > 0) AS "active_x21_active_order_60_90_m0",
    CAST(SUM("t1"."x21_active_order_60_90") AS TEXT) AS "s_x21_active_order_60_90_m0",
    COUNT(*) FILTER(WHERE
      "t1"."x22_active_order_90_120" > 0) AS "active_x22_active_order_90_120_m0",
    CAST(SUM("t1"."x22_active_order_90_120") AS TEXT) AS "s_x22_active_order_90_120_m0",
    COUNT(*) FILTER(WHERE
      "t1"."x23_active_order_120_150" > 0) AS "active_x23_active_order_120_150_m0",
    CAST(SUM("t1"."x23_active_order_120_150") AS TEXT) AS "s_x23_active_order_120_150_m0",
    COUNT(*) FILTER(WHERE
      "t1"."x24_active_order_150_180" > 0) AS "active_x24_active_order_150_180_m0",
    CAST(SUM("t1"."x24_active_order_150_180") AS TEXT) AS "s_x24_active_order_150_180_m0",
    COUNT(*) FILTER(WHERE
      "t1"."x26_active_order_90_180" > 0) AS "active_x26_active_order_90_180_m0",
    CAST(SUM("t1"."x0_sum_revenue_0_180" * CAST("t1"."x25_active_revenue_0_180" AS BIGINT)) AS TEXT) AS "p_x0_x25_m0",
    CAST(SUM("t1"."x0_sum_revenue_0_180" * CAST("t1"."x26_active_order_90_180" AS BIGINT)) AS TEXT) AS "p_x0_x26_m0",
    CAST(SUM("t1"."x25_active_revenue_0_180") AS TEXT) AS "s_x25_active_revenue_0_180_m0",
    CAST(SUM(
      CAST("t1"."x25_active_revenue_0_180" AS BIGINT) * CAST("t1"."x26_active_order_90_180" AS BIGINT)
    ) AS TEXT) AS "p_x25_x26_m0",
    CAST(SUM("t1"."x26_active_order_90_180") AS TEXT) AS "s_x26_active_order_90_180_m0"
  FROM (
    SELECT
      "t0"."variant",
      "t0"."t0",
      "t0"."day0",
      "t0"."x0_sum_revenue_0_180",
      "t0"."x1_sum_revenue_0_14",
      "t0"."x2_sum_revenue_14_28",
      "t0"."x3_sum_revenue_28_42",
      "t0"."x4_sum_revenue_42_56",
      "t0"."x5_sum_revenue_56_70",
      "t0"."x6_sum_revenue_70_84",
      "t0"."x7_sum_revenue_84_98",
      "t0"."x8_sum_revenue_98_112",
      "t0"."x9_sum_revenue_112_126",
      "t0"."x10_sum_revenue_126_140",
      "t0"."x11_sum_revenue_140_154",
      "t0"."x12_sum_revenue_154_168",
      "t0"."x13_sum_revenue_168_180",
      "t0"."x14_sum_revenue_0_90",
      "t0"."x15_active_order_90_180",
      "t0"."x16_inactive_order_60_180",
      "t0"."x17_count_order_0_180",
      "t0"."x18_active_order_0_180",
      "t0"."x19_active_order_0_30",
      "t0"."x20_active_order_30_60",
      "t0"."x21_active_order_60_90",
      "t0"."x22_active_order_90_120",
      "t0"."x23_active_order_120_150",
      "t0"."x24_active_order_150_180",
      "t0"."x25_active_revenue_0_180",
      "t0"."x26_active_order_90_180",
      "t0"."a0_calendar_cdnow__orders_d0",
      "t0"."a0_calendar_cdnow__orders_d1",
      "t0"."a0_calendar_cdnow__orders_d2",
      (
        "t0"."x1_sum_revenue_0_14" * -11
      ) + (
        "t0"."x2_sum_revenue_14_28" * -9
      ) + (
        "t0"."x3_sum_revenue_28_42" * -7
      ) + (
        "t0"."x4_sum_revenue_42_56" * -5
      ) + (
        "t0"."x5_sum_revenue_56_70" * -3
      ) + (
        "t0"."x6_sum_revenue_70_84" * -1
      ) + (
        "t0"."x7_sum_revenue_84_98" * 1
      ) + (
        "t0"."x8_sum_revenue_98_112" * 3
      ) + (
        "t0"."x9_sum_revenue_112_126" * 5
      ) + (
        "t0"."x10_sum_revenue_126_140" * 7
      ) + (
        "t0"."x11_sum_revenue_140_154" * 9
      ) + (
        "t0"."x12_sum_revenue_154_168" * 11
      ) AS "slope_x1_sum_revenue_0_14"
    FROM (
      SELECT
        *
      FROM holdfast_units
    ) AS "t0"
  ) AS "t1"
  GROUP BY
    1
) AS "t2"
ORDER BY
  "t2"."variant" ASC;

-- 6
-- the same within assigned_on
SELECT
  *
FROM (
  SELECT
    "t1"."variant",
    "t1"."level",
    COUNT(*) AS "units",
    COUNT(*) AS "n_m0",
    COUNT(*) FILTER(WHERE
      "t1"."x0_sum_revenue_0_180" > 0) AS "active_x0_sum_revenue_0_180_m0",
    CAST(SUM(
      CASE
        WHEN "t1"."x0_sum_revenue_0_180" > 226076
        THEN 226076
        ELSE "t1"."x0_sum_revenue_0_180"
      END
    ) AS TEXT) AS "s_x0_sum_revenue_0_180_cap0_m0",
    CAST(SUM(
      CASE
        WHEN "t1"."x0_sum_revenue_0_180" > 226076
        THEN 226076
        ELSE "t1"."x0_sum_revenue_0_180"
      END * CASE
        WHEN "t1"."x0_sum_revenue_0_180" > 226076
        THEN 226076
        ELSE "t1"."x0_sum_revenue_0_180"
      END
    ) AS TEXT) AS "p_x0_cap0_x0_cap0_m0",
    CAST(SUM("t1"."x0_sum_revenue_0_180") AS TEXT) AS "s_x0_sum_revenue_0_180_m0",
    CAST(SUM("t1"."x0_sum_revenue_0_180" * "t1"."x0_sum_revenue_0_180") AS TEXT) AS "p_x0_x0_m0"
  FROM (
    SELECT
      "t0"."variant",
      "t0"."t0",
      "t0"."day0",
      "t0"."x0_sum_revenue_0_180",
      "t0"."x1_sum_revenue_0_14",
      "t0"."x2_sum_revenue_14_28",
      "t0"."x3_sum_revenue_28_42",
      "t0"."x4_sum_revenue_42_56",
      "t0"."x5_sum_revenue_56_70",
      "t0"."x6_sum_revenue_70_84",
      "t0"."x7_sum_revenue_84_98",
      "t0"."x8_sum_revenue_98_112",
      "t0"."x9_sum_revenue_112_126",
      "t0"."x10_sum_revenue_126_140",
      "t0"."x11_sum_revenue_140_154",
      "t0"."x12_sum_revenue_154_168",
      "t0"."x13_sum_revenue_168_180",
      "t0"."x14_sum_revenue_0_90",
      "t0"."x15_active_order_90_180",
      "t0"."x16_inactive_order_60_180",
      "t0"."x17_count_order_0_180",
      "t0"."x18_active_order_0_180",
      "t0"."x19_active_order_0_30",
      "t0"."x20_active_order_30_60",
      "t0"."x21_active_order_60_90",
      "t0"."x22_active_order_90_120",
      "t0"."x23_active_order_120_150",
      "t0"."x24_active_order_150_180",
      "t0"."x25_active_revenue_0_180",
      "t0"."x26_active_order_90_180",
      "t0"."a0_calendar_cdnow__orders_d0",
      "t0"."a0_calendar_cdnow__orders_d1",
      "t0"."a0_calendar_cdnow__orders_d2",
      (
        "t0"."x1_sum_revenue_0_14" * -11
      ) + (
        "t0"."x2_sum_revenue_14_28" * -9
      ) + (
        "t0"."x3_sum_revenue_28_42" * -7
      ) + (
        "t0"."x4_sum_revenue_42_56" * -5
      ) + (
        "t0"."x5_sum_revenue_56_70" * -3
      ) + (
        "t0"."x6_sum_revenue_70_84" * -1
      ) + (
        "t0"."x7_sum_revenue_84_98" * 1
      ) + (
        "t0"."x8_sum_revenue_98_112" * 3
      ) + (
        "t0"."x9_sum_revenue_112_126" * 5
      ) + (
        "t0"."x10_sum_revenue_126_140" * 7
      ) + (
        "t0"."x11_sum_revenue_140_154" * 9
      ) + (
        "t0"."x12_sum_revenue_154_168" * 11
      ) AS "slope_x1_sum_revenue_0_14",
      "t0"."day0" AS "level"
    FROM (
      SELECT
        *
      FROM holdfast_units
    ) AS "t0"
  ) AS "t1"
  GROUP BY
    1,
    2
) AS "t2"
ORDER BY
  "t2"."variant" ASC,
  "t2"."level" ASC
LIMIT 801;

-- 7
-- curve_1: units by variant and days followed, and how many of them were active on each day
SELECT
  *
FROM (
  SELECT
    "t1"."variant",
    "t1"."followed",
    COUNT(*) AS "n",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 0
    ) & 1) AS "d0",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 1
    ) & 1) AS "d1",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 2
    ) & 1) AS "d2",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 3
    ) & 1) AS "d3",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 4
    ) & 1) AS "d4",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 5
    ) & 1) AS "d5",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 6
    ) & 1) AS "d6",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 7
    ) & 1) AS "d7",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 8
    ) & 1) AS "d8",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 9
    ) & 1) AS "d9",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 10
    ) & 1) AS "d10",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 11
    ) & 1) AS "d11",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 12
    ) & 1) AS "d12",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 13
    ) & 1) AS "d13",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 14
    ) & 1) AS "d14",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 15
    ) & 1) AS "d15",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 16
    ) & 1) AS "d16",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 17
    ) & 1) AS "d17",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 18
    ) & 1) AS "d18",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 19
    ) & 1) AS "d19",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 20
    ) & 1) AS "d20",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 21
    ) & 1) AS "d21",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 22
    ) & 1) AS "d22",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 23
    ) & 1) AS "d23",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 24
    ) & 1) AS "d24",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 25
    ) & 1) AS "d25",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 26
    ) & 1) AS "d26",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 27
    ) & 1) AS "d27",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 28
    ) & 1) AS "d28",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 29
    ) & 1) AS "d29",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 30
    ) & 1) AS "d30",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 31
    ) & 1) AS "d31",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 32
    ) & 1) AS "d32",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 33
    ) & 1) AS "d33",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 34
    ) & 1) AS "d34",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 35
    ) & 1) AS "d35",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 36
    ) & 1) AS "d36",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 37
    ) & 1) AS "d37",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 38
    ) & 1) AS "d38",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 39
    ) & 1) AS "d39",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 40
    ) & 1) AS "d40",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 41
    ) & 1) AS "d41",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 42
    ) & 1) AS "d42",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 43
    ) & 1) AS "d43",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 44
    ) & 1) AS "d44",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 45
    ) & 1) AS "d45",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 46
    ) & 1) AS "d46",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 47
    ) & 1) AS "d47",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 48
    ) & 1) AS "d48",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 49
    ) & 1) AS "d49",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 50
    ) & 1) AS "d50",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 51
    ) & 1) AS "d51",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 52
    ) & 1) AS "d52",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 53
    ) & 1) AS "d53",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 54
    ) & 1) AS "d54",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 55
    ) & 1) AS "d55",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 56
    ) & 1) AS "d56",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 57
    ) & 1) AS "d57",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 58
    ) & 1) AS "d58",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 59
    ) & 1) AS "d59",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 60
    ) & 1) AS "d60",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d0", 0) >> 61
    ) & 1) AS "d61",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 0
    ) & 1) AS "d62",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 1
    ) & 1) AS "d63",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 2
    ) & 1) AS "d64",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 3
    ) & 1) AS "d65",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 4
    ) & 1) AS "d66",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 5
    ) & 1) AS "d67",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 6
    ) & 1) AS "d68",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 7
    ) & 1) AS "d69",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 8
    ) & 1) AS "d70",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 9
    ) & 1) AS "d71",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 10
    ) & 1) AS "d72",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 11
    ) & 1) AS "d73",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 12
    ) & 1) AS "d74",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 13
    ) & 1) AS "d75",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 14
    ) & 1) AS "d76",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 15
    ) & 1) AS "d77",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 16
    ) & 1) AS "d78",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 17
    ) & 1) AS "d79",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 18
    ) & 1) AS "d80",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 19
    ) & 1) AS "d81",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 20
    ) & 1) AS "d82",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 21
    ) & 1) AS "d83",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 22
    ) & 1) AS "d84",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 23
    ) & 1) AS "d85",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 24
    ) & 1) AS "d86",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 25
    ) & 1) AS "d87",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 26
    ) & 1) AS "d88",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 27
    ) & 1) AS "d89",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 28
    ) & 1) AS "d90",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 29
    ) & 1) AS "d91",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 30
    ) & 1) AS "d92",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 31
    ) & 1) AS "d93",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 32
    ) & 1) AS "d94",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 33
    ) & 1) AS "d95",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 34
    ) & 1) AS "d96",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 35
    ) & 1) AS "d97",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 36
    ) & 1) AS "d98",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 37
    ) & 1) AS "d99",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 38
    ) & 1) AS "d100",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 39
    ) & 1) AS "d101",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 40
    ) & 1) AS "d102",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 41
    ) & 1) AS "d103",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 42
    ) & 1) AS "d104",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 43
    ) & 1) AS "d105",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 44
    ) & 1) AS "d106",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 45
    ) & 1) AS "d107",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 46
    ) & 1) AS "d108",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 47
    ) & 1) AS "d109",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 48
    ) & 1) AS "d110",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 49
    ) & 1) AS "d111",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 50
    ) & 1) AS "d112",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 51
    ) & 1) AS "d113",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 52
    ) & 1) AS "d114",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 53
    ) & 1) AS "d115",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 54
    ) & 1) AS "d116",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 55
    ) & 1) AS "d117",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 56
    ) & 1) AS "d118",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 57
    ) & 1) AS "d119",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 58
    ) & 1) AS "d120",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 59
    ) & 1) AS "d121",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 60
    ) & 1) AS "d122",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d1", 0) >> 61
    ) & 1) AS "d123",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 0
    ) & 1) AS "d124",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 1
    ) & 1) AS "d125",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 2
    ) & 1) AS "d126",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 3
    ) & 1) AS "d127",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 4
    ) & 1) AS "d128",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 5
    ) & 1) AS "d129",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 6
    ) & 1) AS "d130",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 7
    ) & 1) AS "d131",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 8
    ) & 1) AS "d132",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 9
    ) & 1) AS "d133",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 10
    ) & 1) AS "d134",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 11
    ) & 1) AS "d135",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 12
    ) & 1) AS "d136",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 13
    ) & 1) AS "d137",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 14
    ) & 1) AS "d138",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 15
    ) & 1) AS "d139",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 16
    ) & 1) AS "d140",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 17
    ) & 1) AS "d141",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 18
    ) & 1) AS "d142",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 19
    ) & 1) AS "d143",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 20
    ) & 1) AS "d144",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 21
    ) & 1) AS "d145",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 22
    ) & 1) AS "d146",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 23
    ) & 1) AS "d147",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 24
    ) & 1) AS "d148",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 25
    ) & 1) AS "d149",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 26
    ) & 1) AS "d150",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 27
    ) & 1) AS "d151",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 28
    ) & 1) AS "d152",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 29
    ) & 1) AS "d153",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 30
    ) & 1) AS "d154",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 31
    ) & 1) AS "d155",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 32
    ) & 1) AS "d156",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 33
    ) & 1) AS "d157",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 34
    ) & 1) AS "d158",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 35
    ) & 1) AS "d159",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 36
    ) & 1) AS "d160",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 37
    ) & 1) AS "d161",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 38
    ) & 1) AS "d162",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 39
    ) & 1) AS "d163",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 40
    ) & 1) AS "d164",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 41
    ) & 1) AS "d165",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 42
    ) & 1) AS "d166",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 43
    ) & 1) AS "d167",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 44
    ) & 1) AS "d168",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 45
    ) & 1) AS "d169",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 46
    ) & 1) AS "d170",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 47
    ) & 1) AS "d171",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 48
    ) & 1) AS "d172",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 49
    ) & 1) AS "d173",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 50
    ) & 1) AS "d174",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 51
    ) & 1) AS "d175",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 52
    ) & 1) AS "d176",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 53
    ) & 1) AS "d177",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 54
    ) & 1) AS "d178",
    SUM((
      COALESCE("t1"."a0_calendar_cdnow__orders_d2", 0) >> 55
    ) & 1) AS "d179"
  FROM (
    SELECT
      "t0"."variant",
      "t0"."t0",
      "t0"."day0",
      "t0"."x0_sum_revenue_0_180",
      "t0"."x1_sum_revenue_0_14",
      "t0"."x2_sum_revenue_14_28",
      "t0"."x3_sum_revenue_28_42",
      "t0"."x4_sum_revenue_42_56",
      "t0"."x5_sum_revenue_56_70",
      "t0"."x6_sum_revenue_70_84",
      "t0"."x7_sum_revenue_84_98",
      "t0"."x8_sum_revenue_98_112",
      "t0"."x9_sum_revenue_112_126",
      "t0"."x10_sum_revenue_126_140",
      "t0"."x11_sum_revenue_140_154",
      "t0"."x12_sum_revenue_154_168",
      "t0"."x13_sum_revenue_168_180",
      "t0"."x14_sum_revenue_0_90",
      "t0"."x15_active_order_90_180",
      "t0"."x16_inactive_order_60_180",
      "t0"."x17_count_order_0_180",
      "t0"."x18_active_order_0_180",
      "t0"."x19_active_order_0_30",
      "t0"."x20_active_order_30_60",
      "t0"."x21_active_order_60_90",
      "t0"."x22_active_order_90_120",
      "t0"."x23_active_order_120_150",
      "t0"."x24_active_order_150_180",
      "t0"."x25_active_revenue_0_180",
      "t0"."x26_active_order_90_180",
      "t0"."a0_calendar_cdnow__orders_d0",
      "t0"."a0_calendar_cdnow__orders_d1",
      "t0"."a0_calendar_cdnow__orders_d2",
      (
        "t0"."x1_sum_revenue_0_14" * -11
      ) + (
        "t0"."x2_sum_revenue_14_28" * -9
      ) + (
        "t0"."x3_sum_revenue_28_42" * -7
      ) + (
        "t0"."x4_sum_revenue_42_56" * -5
      ) + (
        "t0"."x5_sum_revenue_56_70" * -3
      ) + (
        "t0"."x6_sum_revenue_70_84" * -1
      ) + (
        "t0"."x7_sum_revenue_84_98" * 1
      ) + (
        "t0"."x8_sum_revenue_98_112" * 3
      ) + (
        "t0"."x9_sum_revenue_112_126" * 5
      ) + (
        "t0"."x10_sum_revenue_126_140" * 7
      ) + (
        "t0"."x11_sum_revenue_140_154" * 9
      ) + (
        "t0"."x12_sum_revenue_154_168" * 11
      ) AS "slope_x1_sum_revenue_0_14",
      CAST(GREATEST(LEAST(10315 - "t0"."day0", 180), 0) AS INT) AS "followed"
    FROM (
      SELECT
        *
      FROM holdfast_units
    ) AS "t0"
  ) AS "t1"
  GROUP BY
    1,
    2
) AS "t2"
ORDER BY
  "t2"."variant" ASC,
  "t2"."followed" ASC;
