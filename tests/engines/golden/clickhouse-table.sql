-- clickhouse
-- one row a unit, from sessions, orders
--   x4_sum_revenue_0_21: in units of 10^-2
--   x6_sum_revenue_before_28: in units of 10^-2
--   x10_sum_revenue_0_21: in units of 10^-2
--   x11_sum_revenue_before_28: in units of 10^-2
-- holdfast_assigned stands for the assigned units, each once.
SELECT
  "t25"."variant" AS "variant",
  "t25"."t0" AS "t0",
  "t25"."day0" AS "day0",
  "t25"."own_country" AS "own_country",
  CAST(CAST(bitAnd(COALESCE("t25"."a0_calendar_sessions_d0", 0), 128) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x0_active_session_7_8",
  CAST(CAST(CAST(COALESCE("t25"."a1_past_sessions_w0", 0) AS Nullable(Int64)) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x1_active_session_before_28",
  CAST(CAST(NOT (
    CAST(COALESCE("t25"."a0_calendar_orders_w0", 0) AS Nullable(Int64)) <> 0
  ) AS Nullable(Int32)) AS Nullable(Int8)) AS "x2_inactive_order_11_21",
  CAST(CAST(CAST(COALESCE("t25"."a1_past_orders_w0", 0) AS Nullable(Int64)) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x3_active_order_before_28",
  COALESCE(CAST("t25"."x4_sum_revenue_0_21" AS Nullable(Int64)), 0) AS "x4_sum_revenue_0_21",
  CAST(COALESCE("t25"."x5_count_order_0_21", 0) AS Nullable(Int32)) AS "x5_count_order_0_21",
  COALESCE(CAST("t25"."x6_sum_revenue_before_28" AS Nullable(Int64)), 0) AS "x6_sum_revenue_before_28",
  CAST(CAST(CAST(COALESCE("t25"."a2_past_orders_w0", 0) AS Nullable(Int64)) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x7_active_revenue_before_28",
  CAST(COALESCE("t25"."x8_count_order_before_28", 0) AS Nullable(Int32)) AS "x8_count_order_before_28",
  CAST(CAST(COALESCE("t25"."x8_count_order_before_28", 0) > 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x9_active_order_before_28",
  COALESCE(CAST("t25"."x10_sum_revenue_0_21" AS Nullable(Int64)), 0) AS "x10_sum_revenue_0_21",
  COALESCE(CAST("t25"."x11_sum_revenue_before_28" AS Nullable(Int64)), 0) AS "x11_sum_revenue_before_28",
  CAST(CAST(CAST(COALESCE("t25"."a3_past_orders_w0", 0) AS Nullable(Int64)) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x12_active_revenue_before_28",
  CAST(CAST(bitAnd(COALESCE("t25"."a0_calendar_sessions_d0", 0), 1) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x13_active_session_0_1",
  CAST(CAST(bitAnd(COALESCE("t25"."a0_calendar_sessions_d0", 0), 126) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x14_active_session_1_7",
  CAST(CAST(bitAnd(COALESCE("t25"."a0_calendar_sessions_d0", 0), 16256) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x15_active_session_7_14",
  COALESCE("t25"."a0_calendar_sessions_d0", 0) AS "a0_calendar_sessions_d0"
FROM (
  SELECT
    "t24".*
    EXCEPT ("unit_right")
  FROM (
    SELECT
      "t23"."unit" AS "unit",
      "t23"."own_country" AS "own_country",
      "t23"."t0" AS "t0",
      "t23"."day0" AS "day0",
      "t23"."variant" AS "variant",
      "t23"."a0_calendar_sessions_d0" AS "a0_calendar_sessions_d0",
      "t23"."a1_past_sessions_w0" AS "a1_past_sessions_w0",
      "t20"."unit" AS "unit_right",
      "t20"."a0_calendar_orders_w0" AS "a0_calendar_orders_w0",
      "t20"."a1_past_orders_w0" AS "a1_past_orders_w0",
      "t20"."a2_past_orders_w0" AS "a2_past_orders_w0",
      "t20"."a3_past_orders_w0" AS "a3_past_orders_w0",
      "t20"."x4_sum_revenue_0_21" AS "x4_sum_revenue_0_21",
      "t20"."x5_count_order_0_21" AS "x5_count_order_0_21",
      "t20"."x6_sum_revenue_before_28" AS "x6_sum_revenue_before_28",
      "t20"."x8_count_order_before_28" AS "x8_count_order_before_28",
      "t20"."x10_sum_revenue_0_21" AS "x10_sum_revenue_0_21",
      "t20"."x11_sum_revenue_before_28" AS "x11_sum_revenue_before_28"
    FROM (
      SELECT
        "t21".*
        EXCEPT ("unit_right")
      FROM (
        SELECT
          "t5"."unit" AS "unit",
          "t5"."own_country" AS "own_country",
          "t5"."t0" AS "t0",
          "t5"."day0" AS "day0",
          "t5"."variant" AS "variant",
          "t18"."unit" AS "unit_right",
          "t18"."a0_calendar_sessions_d0" AS "a0_calendar_sessions_d0",
          "t18"."a1_past_sessions_w0" AS "a1_past_sessions_w0"
        FROM (
          SELECT
            "t0"."unit" AS "unit",
            "t0"."own_country" AS "own_country",
            "t0"."t0" AS "t0",
            "t0"."day0" AS "day0",
            "t0"."variant" AS "variant"
          FROM "holdfast_assigned" AS "t0"
          WHERE
            isNotNull("t0"."variant")
        ) AS "t5"
        LEFT OUTER JOIN (
          SELECT
            "t15"."unit" AS "unit",
            groupBitOr(
              reinterpretAsUInt64(
                CASE
                  WHEN (
                    "t15"."calendar" >= 0
                  )
                  AND (
                    "t15"."calendar" < 1209600000000
                  )
                  AND (
                    "t15"."elapsed" >= 0
                  )
                  THEN bitShiftLeft(
                    toInt64(1),
                    CAST(FLOOR((
                      "t15"."calendar"
                    ) / (
                      86400000000
                    )) AS Nullable(Int64))
                  )
                  ELSE 0
                END
              )
            ) AS "a0_calendar_sessions_d0",
            MAX(
              CASE
                WHEN (
                  "t15"."past" >= -2419200000000
                ) AND (
                  "t15"."past" < 0
                )
                THEN 1
                ELSE 0
              END
            ) AS "a1_past_sessions_w0"
          FROM (
            SELECT
              *
            FROM (
              SELECT
                "t11"."unit" AS "unit",
                "t11"."us" AS "us",
                "t11"."t0" AS "t0",
                "t11"."day0" AS "day0",
                "t11"."us" - "t11"."t0" AS "elapsed",
                "t11"."us" - "t11"."t0" AS "past",
                CASE
                  WHEN "t11"."us" >= 1761440400000000
                  THEN "t11"."us" + 3600000000
                  ELSE "t11"."us" + 7200000000
                END - (
                  CAST("t11"."day0" AS Nullable(Int64)) * 86400000000
                ) AS "calendar"
              FROM (
                SELECT
                  "t8"."unit" AS "unit",
                  "t8"."us" AS "us",
                  "t6"."t0" AS "t0",
                  "t6"."day0" AS "day0"
                FROM (
                  SELECT
                    "t2"."customer_id" AS "unit",
                    toUnixTimestamp64Micro(toDateTime64(toTimeZone("t2"."started_at", 'UTC'), 6, 'UTC')) AS "us"
                  FROM "shop"."sessions" AS "t2"
                  WHERE
                    "t2"."started_at" < parseDateTimeBestEffort('2025-11-14T01:00:00+00:00', 'UTC')
                    AND "t2"."started_at" >= parseDateTimeBestEffort('2025-09-24T18:00:00+00:00', 'UTC')
                    AND isNotNull("t2"."customer_id")
                ) AS "t8"
                INNER JOIN (
                  SELECT
                    "t0"."unit" AS "unit",
                    "t0"."t0" AS "t0",
                    "t0"."day0" AS "day0"
                  FROM "holdfast_assigned" AS "t0"
                  WHERE
                    isNotNull("t0"."variant")
                ) AS "t6"
                  ON "t8"."unit" = "t6"."unit"
              ) AS "t11"
              WHERE
                (
                  "t11"."us" - "t11"."t0"
                ) >= -2419200000000
            ) AS "t13"
            WHERE
              "t13"."calendar" < 1209600000000
          ) AS "t15"
          GROUP BY
            "t15"."unit"
        ) AS "t18"
          ON "t5"."unit" = "t18"."unit"
      ) AS "t21"
    ) AS "t23"
    LEFT OUTER JOIN (
      SELECT
        "t16"."unit" AS "unit",
        MAX(
          CASE
            WHEN (
              "t16"."calendar" >= 950400000000
            )
            AND (
              "t16"."calendar" < 1814400000000
            )
            AND (
              "t16"."elapsed" >= 0
            )
            THEN 1
            ELSE 0
          END
        ) AS "a0_calendar_orders_w0",
        MAX(
          CASE
            WHEN (
              "t16"."past" >= -2419200000000
            ) AND (
              "t16"."past" < 0
            )
            THEN 1
            ELSE 0
          END
        ) AS "a1_past_orders_w0",
        MAX(
          CASE
            WHEN (
              "t16"."past" >= -2419200000000
            ) AND (
              "t16"."past" < 0
            ) AND "t16"."w1"
            THEN 1
            ELSE 0
          END
        ) AS "a2_past_orders_w0",
        MAX(
          CASE
            WHEN (
              "t16"."past" >= -2419200000000
            ) AND (
              "t16"."past" < 0
            ) AND "t16"."w3"
            THEN 1
            ELSE 0
          END
        ) AS "a3_past_orders_w0",
        sumIf(
          "t16"."v0",
          "t16"."w1"
          AND (
            "t16"."elapsed" >= 0
          )
          AND (
            "t16"."elapsed" < 1814400000000
          )
        ) AS "x4_sum_revenue_0_21",
        countIf(
          "t16"."w2"
          AND (
            "t16"."elapsed" >= 0
          )
          AND (
            "t16"."elapsed" < 1814400000000
          )
        ) AS "x5_count_order_0_21",
        sumIf(
          "t16"."v0",
          "t16"."w1" AND (
            "t16"."past" >= -2419200000000
          ) AND (
            "t16"."past" < 0
          )
        ) AS "x6_sum_revenue_before_28",
        countIf("t16"."w2" AND (
          "t16"."past" >= -2419200000000
        ) AND (
          "t16"."past" < 0
        )) AS "x8_count_order_before_28",
        sumIf(
          "t16"."v0",
          (
            "t16"."calendar" >= 0
          )
          AND (
            "t16"."elapsed" >= 0
          )
          AND (
            "t16"."calendar" < 1814400000000
          )
        ) AS "x10_sum_revenue_0_21",
        sumIf("t16"."v0", (
          "t16"."past" >= -2419200000000
        ) AND (
          "t16"."past" < 0
        )) AS "x11_sum_revenue_before_28"
      FROM (
        SELECT
          *
        FROM (
          SELECT
            "t12"."unit" AS "unit",
            "t12"."us" AS "us",
            "t12"."w1" AS "w1",
            "t12"."v0" AS "v0",
            "t12"."w2" AS "w2",
            "t12"."w3" AS "w3",
            "t12"."t0" AS "t0",
            "t12"."day0" AS "day0",
            "t12"."us" - "t12"."t0" AS "elapsed",
            "t12"."us" - "t12"."t0" AS "past",
            CASE
              WHEN "t12"."us" >= 1761440400000000
              THEN "t12"."us" + 3600000000
              ELSE "t12"."us" + 7200000000
            END - (
              CAST("t12"."day0" AS Nullable(Int64)) * 86400000000
            ) AS "calendar"
          FROM (
            SELECT
              "t10"."unit" AS "unit",
              "t10"."us" AS "us",
              "t10"."w1" AS "w1",
              "t10"."v0" AS "v0",
              "t10"."w2" AS "w2",
              "t10"."w3" AS "w3",
              "t6"."t0" AS "t0",
              "t6"."day0" AS "day0"
            FROM (
              SELECT
                "t1"."customer_id" AS "unit",
                CASE
                  WHEN toUnixTimestamp64Micro(toDateTime64("t1"."ordered_at", 6, 'UTC')) >= 1761444000000000
                  THEN toUnixTimestamp64Micro(toDateTime64("t1"."ordered_at", 6, 'UTC')) + -3600000000
                  ELSE toUnixTimestamp64Micro(toDateTime64("t1"."ordered_at", 6, 'UTC')) + -7200000000
                END AS "us",
                isNotNull("t1"."amount")
                AND (
                  TRUE AND COALESCE(NOT (
                    "t1"."channel" = 'app'
                  ), FALSE)
                ) AS "w1",
                CAST(CAST("t1"."amount" AS Nullable(Decimal(38, 2))) * 100 AS Nullable(Int64)) AS "v0",
                TRUE AND COALESCE(NOT (
                  "t1"."channel" = 'app'
                ), FALSE) AS "w2",
                isNotNull("t1"."amount") AS "w3"
              FROM "shop"."orders" AS "t1"
              WHERE
                "t1"."ordered_at" < parseDateTimeBestEffort('2025-11-21T01:00:00')
                AND "t1"."ordered_at" >= parseDateTimeBestEffort('2025-09-24T18:00:00')
                AND isNotNull("t1"."customer_id")
            ) AS "t10"
            INNER JOIN (
              SELECT
                "t0"."unit" AS "unit",
                "t0"."t0" AS "t0",
                "t0"."day0" AS "day0"
              FROM "holdfast_assigned" AS "t0"
              WHERE
                isNotNull("t0"."variant")
            ) AS "t6"
              ON "t10"."unit" = "t6"."unit"
          ) AS "t12"
          WHERE
            (
              "t12"."us" - "t12"."t0"
            ) >= -2419200000000
        ) AS "t14"
        WHERE
          (
            "t14"."elapsed" < 1814400000000
          ) OR (
            "t14"."calendar" < 1814400000000
          )
      ) AS "t16"
      GROUP BY
        "t16"."unit"
    ) AS "t20"
      ON "t23"."unit" = "t20"."unit"
  ) AS "t24"
) AS "t25";
