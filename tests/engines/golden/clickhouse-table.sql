-- clickhouse
-- one row a unit, from sessions, orders
--   x4_sum_revenue_0_21: in units of 10^-2
--   x6_sum_revenue_before_28: in units of 10^-2
--   x10_sum_revenue_0_21: in units of 10^-2
--   x11_sum_revenue_before_28: in units of 10^-2
-- holdfast_assigned stands for the assigned units, each once.
SELECT
  "t26"."variant" AS "variant",
  "t26"."t0" AS "t0",
  "t26"."day0" AS "day0",
  "t26"."own_country" AS "own_country",
  CAST(CAST(bitAnd(COALESCE("t26"."a0_calendar_sessions_d0", 0), 128) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x0_active_session_7_8",
  CAST(CAST(CAST(COALESCE("t26"."a1_past_sessions_w0", 0) AS Nullable(Int64)) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x1_active_session_before_28",
  CAST(CAST(NOT (
    CAST(COALESCE("t26"."a0_calendar_orders_w0", 0) AS Nullable(Int64)) <> 0
  ) AS Nullable(Int32)) AS Nullable(Int8)) AS "x2_inactive_order_11_21",
  CAST(CAST(CAST(COALESCE("t26"."a1_past_orders_w0", 0) AS Nullable(Int64)) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x3_active_order_before_28",
  COALESCE("t26"."x4_sum_revenue_0_21", 0) AS "x4_sum_revenue_0_21",
  CAST(COALESCE("t26"."x5_count_order_0_21", 0) AS Nullable(Int32)) AS "x5_count_order_0_21",
  COALESCE("t26"."x6_sum_revenue_before_28", 0) AS "x6_sum_revenue_before_28",
  CAST(CAST(CAST(COALESCE("t26"."a2_past_orders_w0", 0) AS Nullable(Int64)) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x7_active_revenue_before_28",
  CAST(COALESCE("t26"."x8_count_order_before_28", 0) AS Nullable(Int32)) AS "x8_count_order_before_28",
  CAST(CAST(COALESCE("t26"."x8_count_order_before_28", 0) > 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x9_active_order_before_28",
  COALESCE("t26"."x10_sum_revenue_0_21", 0) AS "x10_sum_revenue_0_21",
  COALESCE("t26"."x11_sum_revenue_before_28", 0) AS "x11_sum_revenue_before_28",
  CAST(CAST(CAST(COALESCE("t26"."a3_past_orders_w0", 0) AS Nullable(Int64)) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x12_active_revenue_before_28",
  CAST(CAST(bitAnd(COALESCE("t26"."a0_calendar_sessions_d0", 0), 1) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x13_active_session_0_1",
  CAST(CAST(bitAnd(COALESCE("t26"."a0_calendar_sessions_d0", 0), 126) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x14_active_session_1_7",
  CAST(CAST(bitAnd(COALESCE("t26"."a0_calendar_sessions_d0", 0), 16256) <> 0 AS Nullable(Int32)) AS Nullable(Int8)) AS "x15_active_session_7_14",
  COALESCE("t26"."a0_calendar_sessions_d0", 0) AS "a0_calendar_sessions_d0"
FROM (
  SELECT
    "t25".*
    EXCEPT ("unit_right")
  FROM (
    SELECT
      "t24"."unit" AS "unit",
      "t24"."variant" AS "variant",
      "t24"."label" AS "label",
      "t24"."own_country" AS "own_country",
      "t24"."t0" AS "t0",
      "t24"."day0" AS "day0",
      "t24"."a0_calendar_sessions_d0" AS "a0_calendar_sessions_d0",
      "t24"."a1_past_sessions_w0" AS "a1_past_sessions_w0",
      "t21"."unit" AS "unit_right",
      "t21"."a0_calendar_orders_w0" AS "a0_calendar_orders_w0",
      "t21"."a1_past_orders_w0" AS "a1_past_orders_w0",
      "t21"."a2_past_orders_w0" AS "a2_past_orders_w0",
      "t21"."a3_past_orders_w0" AS "a3_past_orders_w0",
      "t21"."x4_sum_revenue_0_21" AS "x4_sum_revenue_0_21",
      "t21"."x5_count_order_0_21" AS "x5_count_order_0_21",
      "t21"."x6_sum_revenue_before_28" AS "x6_sum_revenue_before_28",
      "t21"."x8_count_order_before_28" AS "x8_count_order_before_28",
      "t21"."x10_sum_revenue_0_21" AS "x10_sum_revenue_0_21",
      "t21"."x11_sum_revenue_before_28" AS "x11_sum_revenue_before_28"
    FROM (
      SELECT
        "t22".*
        EXCEPT ("unit_right")
      FROM (
        SELECT
          "t7"."unit" AS "unit",
          "t7"."variant" AS "variant",
          "t7"."label" AS "label",
          "t7"."own_country" AS "own_country",
          "t7"."t0" AS "t0",
          "t7"."day0" AS "day0",
          "t19"."unit" AS "unit_right",
          "t19"."a0_calendar_sessions_d0" AS "a0_calendar_sessions_d0",
          "t19"."a1_past_sessions_w0" AS "a1_past_sessions_w0"
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t0".*
              EXCEPT ("crossed", "seen")
            FROM "holdfast_assigned" AS "t0"
          ) AS "t3"
          WHERE
            isNotNull("t3"."variant")
        ) AS "t7"
        LEFT OUTER JOIN (
          SELECT
            "t16"."unit" AS "unit",
            groupBitOr(
              reinterpretAsUInt64(
                CASE
                  WHEN (
                    "t16"."calendar" >= 0
                  )
                  AND (
                    "t16"."calendar" < 1209600000000
                  )
                  AND (
                    "t16"."elapsed" >= 0
                  )
                  THEN bitShiftLeft(
                    toInt64(1),
                    CAST(FLOOR((
                      "t16"."calendar"
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
                  "t16"."past" >= -2419200000000
                ) AND (
                  "t16"."past" < 0
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
                "t12"."unit" AS "unit",
                "t12"."us" AS "us",
                "t12"."t0" AS "t0",
                "t12"."day0" AS "day0",
                "t12"."anchor" AS "anchor",
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
                  "t9"."unit" AS "unit",
                  "t9"."us" AS "us",
                  "t8"."t0" AS "t0",
                  "t8"."day0" AS "day0",
                  "t8"."anchor" AS "anchor"
                FROM (
                  SELECT
                    "t2"."customer_id" AS "unit",
                    toUnixTimestamp64Micro(toDateTime64(toTimeZone("t2"."started_at", 'UTC'), 6, 'UTC')) AS "us"
                  FROM "shop"."sessions" AS "t2"
                  WHERE
                    "t2"."started_at" < parseDateTimeBestEffort('2025-11-14T01:00:00+00:00', 'UTC')
                    AND "t2"."started_at" >= parseDateTimeBestEffort('2025-09-24T18:00:00+00:00', 'UTC')
                    AND isNotNull("t2"."customer_id")
                ) AS "t9"
                INNER JOIN (
                  SELECT
                    "t3"."unit" AS "unit",
                    "t3"."t0" AS "t0",
                    "t3"."day0" AS "day0",
                    "t3"."t0" AS "anchor"
                  FROM (
                    SELECT
                      "t0".*
                      EXCEPT ("crossed", "seen")
                    FROM "holdfast_assigned" AS "t0"
                  ) AS "t3"
                  WHERE
                    isNotNull("t3"."variant")
                ) AS "t8"
                  ON "t9"."unit" = "t8"."unit"
              ) AS "t12"
              WHERE
                (
                  "t12"."us" - "t12"."t0"
                ) >= -2419200000000
            ) AS "t14"
            WHERE
              "t14"."calendar" < 1209600000000
          ) AS "t16"
          GROUP BY
            "t16"."unit"
        ) AS "t19"
          ON "t7"."unit" = "t19"."unit"
      ) AS "t22"
    ) AS "t24"
    LEFT OUTER JOIN (
      SELECT
        "t17"."unit" AS "unit",
        MAX(
          CASE
            WHEN (
              "t17"."calendar" >= 950400000000
            )
            AND (
              "t17"."calendar" < 1814400000000
            )
            AND (
              "t17"."elapsed" >= 0
            )
            THEN 1
            ELSE 0
          END
        ) AS "a0_calendar_orders_w0",
        MAX(
          CASE
            WHEN (
              "t17"."past" >= -2419200000000
            ) AND (
              "t17"."past" < 0
            )
            THEN 1
            ELSE 0
          END
        ) AS "a1_past_orders_w0",
        MAX(
          CASE
            WHEN (
              "t17"."past" >= -2419200000000
            ) AND (
              "t17"."past" < 0
            ) AND "t17"."w1"
            THEN 1
            ELSE 0
          END
        ) AS "a2_past_orders_w0",
        MAX(
          CASE
            WHEN (
              "t17"."past" >= -2419200000000
            ) AND (
              "t17"."past" < 0
            ) AND "t17"."w3"
            THEN 1
            ELSE 0
          END
        ) AS "a3_past_orders_w0",
        sumIf(
          "t17"."v0",
          "t17"."w1"
          AND (
            "t17"."elapsed" >= 0
          )
          AND (
            "t17"."elapsed" < 1814400000000
          )
        ) AS "x4_sum_revenue_0_21",
        countIf(
          "t17"."w2"
          AND (
            "t17"."elapsed" >= 0
          )
          AND (
            "t17"."elapsed" < 1814400000000
          )
        ) AS "x5_count_order_0_21",
        sumIf(
          "t17"."v0",
          "t17"."w1" AND (
            "t17"."past" >= -2419200000000
          ) AND (
            "t17"."past" < 0
          )
        ) AS "x6_sum_revenue_before_28",
        countIf("t17"."w2" AND (
          "t17"."past" >= -2419200000000
        ) AND (
          "t17"."past" < 0
        )) AS "x8_count_order_before_28",
        sumIf(
          "t17"."v0",
          (
            "t17"."calendar" >= 0
          )
          AND (
            "t17"."elapsed" >= 0
          )
          AND (
            "t17"."calendar" < 1814400000000
          )
        ) AS "x10_sum_revenue_0_21",
        sumIf("t17"."v0", (
          "t17"."past" >= -2419200000000
        ) AND (
          "t17"."past" < 0
        )) AS "x11_sum_revenue_before_28"
      FROM (
        SELECT
          *
        FROM (
          SELECT
            "t13"."unit" AS "unit",
            "t13"."us" AS "us",
            "t13"."w1" AS "w1",
            "t13"."v0" AS "v0",
            "t13"."w2" AS "w2",
            "t13"."w3" AS "w3",
            "t13"."t0" AS "t0",
            "t13"."day0" AS "day0",
            "t13"."anchor" AS "anchor",
            "t13"."us" - "t13"."t0" AS "elapsed",
            "t13"."us" - "t13"."t0" AS "past",
            CASE
              WHEN "t13"."us" >= 1761440400000000
              THEN "t13"."us" + 3600000000
              ELSE "t13"."us" + 7200000000
            END - (
              CAST("t13"."day0" AS Nullable(Int64)) * 86400000000
            ) AS "calendar"
          FROM (
            SELECT
              "t11"."unit" AS "unit",
              "t11"."us" AS "us",
              "t11"."w1" AS "w1",
              "t11"."v0" AS "v0",
              "t11"."w2" AS "w2",
              "t11"."w3" AS "w3",
              "t8"."t0" AS "t0",
              "t8"."day0" AS "day0",
              "t8"."anchor" AS "anchor"
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
            ) AS "t11"
            INNER JOIN (
              SELECT
                "t3"."unit" AS "unit",
                "t3"."t0" AS "t0",
                "t3"."day0" AS "day0",
                "t3"."t0" AS "anchor"
              FROM (
                SELECT
                  "t0".*
                  EXCEPT ("crossed", "seen")
                FROM "holdfast_assigned" AS "t0"
              ) AS "t3"
              WHERE
                isNotNull("t3"."variant")
            ) AS "t8"
              ON "t11"."unit" = "t8"."unit"
          ) AS "t13"
          WHERE
            (
              "t13"."us" - "t13"."t0"
            ) >= -2419200000000
        ) AS "t15"
        WHERE
          (
            "t15"."elapsed" < 1814400000000
          ) OR (
            "t15"."calendar" < 1814400000000
          )
      ) AS "t17"
      GROUP BY
        "t17"."unit"
    ) AS "t21"
      ON "t24"."unit" = "t21"."unit"
  ) AS "t25"
) AS "t26";
