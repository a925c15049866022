-- databricks
-- one row a unit, from sessions, orders
--   x4_sum_revenue_0_21: in units of 10^-2
--   x6_sum_revenue_before_28: in units of 10^-2
--   x10_sum_revenue_0_21: in units of 10^-2
--   x11_sum_revenue_before_28: in units of 10^-2
-- holdfast_assigned stands for the assigned units, each once.
SELECT
  `t25`.`variant`,
  `t25`.`t0`,
  `t25`.`day0`,
  `t25`.`own_country`,
  CAST(CAST((
    COALESCE(`t25`.`a0_calendar_sessions_d0`, 0) & 128
  ) <> 0 AS INT) AS TINYINT) AS `x0_active_session_7_8`,
  CAST(CAST(CAST(COALESCE(`t25`.`a1_past_sessions_w0`, 0) AS BIGINT) <> 0 AS INT) AS TINYINT) AS `x1_active_session_before_28`,
  CAST(CAST(NOT (
    CAST(COALESCE(`t25`.`a0_calendar_orders_w0`, 0) AS BIGINT) <> 0
  ) AS INT) AS TINYINT) AS `x2_inactive_order_11_21`,
  CAST(CAST(CAST(COALESCE(`t25`.`a1_past_orders_w0`, 0) AS BIGINT) <> 0 AS INT) AS TINYINT) AS `x3_active_order_before_28`,
  COALESCE(CAST(`t25`.`x4_sum_revenue_0_21` AS BIGINT), 0) AS `x4_sum_revenue_0_21`,
  CAST(COALESCE(`t25`.`x5_count_order_0_21`, 0) AS INT) AS `x5_count_order_0_21`,
  COALESCE(CAST(`t25`.`x6_sum_revenue_before_28` AS BIGINT), 0) AS `x6_sum_revenue_before_28`,
  CAST(CAST(CAST(COALESCE(`t25`.`a2_past_orders_w0`, 0) AS BIGINT) <> 0 AS INT) AS TINYINT) AS `x7_active_revenue_before_28`,
  CAST(COALESCE(`t25`.`x8_count_order_before_28`, 0) AS INT) AS `x8_count_order_before_28`,
  CAST(CAST(COALESCE(`t25`.`x8_count_order_before_28`, 0) > 0 AS INT) AS TINYINT) AS `x9_active_order_before_28`,
  COALESCE(CAST(`t25`.`x10_sum_revenue_0_21` AS BIGINT), 0) AS `x10_sum_revenue_0_21`,
  COALESCE(CAST(`t25`.`x11_sum_revenue_before_28` AS BIGINT), 0) AS `x11_sum_revenue_before_28`,
  CAST(CAST(CAST(COALESCE(`t25`.`a3_past_orders_w0`, 0) AS BIGINT) <> 0 AS INT) AS TINYINT) AS `x12_active_revenue_before_28`,
  CAST(CAST((
    COALESCE(`t25`.`a0_calendar_sessions_d0`, 0) & 1
  ) <> 0 AS INT) AS TINYINT) AS `x13_active_session_0_1`,
  CAST(CAST((
    COALESCE(`t25`.`a0_calendar_sessions_d0`, 0) & 126
  ) <> 0 AS INT) AS TINYINT) AS `x14_active_session_1_7`,
  CAST(CAST((
    COALESCE(`t25`.`a0_calendar_sessions_d0`, 0) & 16256
  ) <> 0 AS INT) AS TINYINT) AS `x15_active_session_7_14`,
  COALESCE(`t25`.`a0_calendar_sessions_d0`, 0) AS `a0_calendar_sessions_d0`
FROM (
  SELECT
    `t24`.`unit`,
    `t24`.`own_country`,
    `t24`.`t0`,
    `t24`.`day0`,
    `t24`.`variant`,
    `t24`.`a0_calendar_sessions_d0`,
    `t24`.`a1_past_sessions_w0`,
    `t24`.`a0_calendar_orders_w0`,
    `t24`.`a1_past_orders_w0`,
    `t24`.`a2_past_orders_w0`,
    `t24`.`a3_past_orders_w0`,
    `t24`.`x4_sum_revenue_0_21`,
    `t24`.`x5_count_order_0_21`,
    `t24`.`x6_sum_revenue_before_28`,
    `t24`.`x8_count_order_before_28`,
    `t24`.`x10_sum_revenue_0_21`,
    `t24`.`x11_sum_revenue_before_28`
  FROM (
    SELECT
      `t23`.`unit`,
      `t23`.`own_country`,
      `t23`.`t0`,
      `t23`.`day0`,
      `t23`.`variant`,
      `t23`.`a0_calendar_sessions_d0`,
      `t23`.`a1_past_sessions_w0`,
      `t20`.`unit` AS `unit_right`,
      `t20`.`a0_calendar_orders_w0`,
      `t20`.`a1_past_orders_w0`,
      `t20`.`a2_past_orders_w0`,
      `t20`.`a3_past_orders_w0`,
      `t20`.`x4_sum_revenue_0_21`,
      `t20`.`x5_count_order_0_21`,
      `t20`.`x6_sum_revenue_before_28`,
      `t20`.`x8_count_order_before_28`,
      `t20`.`x10_sum_revenue_0_21`,
      `t20`.`x11_sum_revenue_before_28`
    FROM (
      SELECT
        `t21`.`unit`,
        `t21`.`own_country`,
        `t21`.`t0`,
        `t21`.`day0`,
        `t21`.`variant`,
        `t21`.`a0_calendar_sessions_d0`,
        `t21`.`a1_past_sessions_w0`
      FROM (
        SELECT
          `t5`.`unit`,
          `t5`.`own_country`,
          `t5`.`t0`,
          `t5`.`day0`,
          `t5`.`variant`,
          `t18`.`unit` AS `unit_right`,
          `t18`.`a0_calendar_sessions_d0`,
          `t18`.`a1_past_sessions_w0`
        FROM (
          SELECT
            `t0`.`unit`,
            `t0`.`own_country`,
            `t0`.`t0`,
            `t0`.`day0`,
            `t0`.`variant`
          FROM `holdfast_assigned` AS `t0`
          WHERE
            `t0`.`variant` IS NOT NULL
        ) AS `t5`
        LEFT OUTER JOIN (
          SELECT
            `t15`.`unit`,
            BIT_OR(
              IF(
                (
                  `t15`.`calendar` >= 0
                )
                AND (
                  `t15`.`calendar` < 1209600000000
                )
                AND (
                  `t15`.`elapsed` >= 0
                ),
                SHIFTLEFT(
                  CAST(1 AS BIGINT),
                  CAST(CAST(FLOOR((
                    `t15`.`calendar`
                  ) / (
                    86400000000
                  )) AS BIGINT) AS INT)
                ),
                0
              )
            ) AS `a0_calendar_sessions_d0`,
            MAX(IF((
              `t15`.`past` >= -2419200000000
            ) AND (
              `t15`.`past` < 0
            ), 1, 0)) AS `a1_past_sessions_w0`
          FROM (
            SELECT
              *
            FROM (
              SELECT
                `t11`.`unit`,
                `t11`.`us`,
                `t11`.`t0`,
                `t11`.`day0`,
                `t11`.`us` - `t11`.`t0` AS `elapsed`,
                `t11`.`us` - `t11`.`t0` AS `past`,
                CASE
                  WHEN `t11`.`us` >= 1761440400000000
                  THEN `t11`.`us` + 3600000000
                  ELSE `t11`.`us` + 7200000000
                END - (
                  CAST(`t11`.`day0` AS BIGINT) * 86400000000
                ) AS `calendar`
              FROM (
                SELECT
                  `t8`.`unit`,
                  `t8`.`us`,
                  `t6`.`t0`,
                  `t6`.`day0`
                FROM (
                  SELECT
                    `t2`.`customer_id` AS `unit`,
                    UNIX_MICROS(CAST(CAST(`t2`.`started_at` AS TIMESTAMP) AS TIMESTAMP)) AS `us`
                  FROM `shop`.`sessions` AS `t2`
                  WHERE
                    `t2`.`started_at` < CAST('2025-11-14T01:00:00+00:00' AS TIMESTAMP)
                    AND `t2`.`started_at` >= CAST('2025-09-24T18:00:00+00:00' AS TIMESTAMP)
                    AND `t2`.`customer_id` IS NOT NULL
                ) AS `t8`
                INNER JOIN (
                  SELECT
                    `t0`.`unit`,
                    `t0`.`t0`,
                    `t0`.`day0`
                  FROM `holdfast_assigned` AS `t0`
                  WHERE
                    `t0`.`variant` IS NOT NULL
                ) AS `t6`
                  ON `t8`.`unit` = `t6`.`unit`
              ) AS `t11`
              WHERE
                (
                  `t11`.`us` - `t11`.`t0`
                ) >= -2419200000000
            ) AS `t13`
            WHERE
              `t13`.`calendar` < 1209600000000
          ) AS `t15`
          GROUP BY
            1
        ) AS `t18`
          ON `t5`.`unit` = `t18`.`unit`
      ) AS `t21`
    ) AS `t23`
    LEFT OUTER JOIN (
      SELECT
        `t16`.`unit`,
        MAX(
          IF(
            (
              `t16`.`calendar` >= 950400000000
            )
            AND (
              `t16`.`calendar` < 1814400000000
            )
            AND (
              `t16`.`elapsed` >= 0
            ),
            1,
            0
          )
        ) AS `a0_calendar_orders_w0`,
        MAX(IF((
          `t16`.`past` >= -2419200000000
        ) AND (
          `t16`.`past` < 0
        ), 1, 0)) AS `a1_past_orders_w0`,
        MAX(
          IF((
            `t16`.`past` >= -2419200000000
          ) AND (
            `t16`.`past` < 0
          ) AND `t16`.`w1`, 1, 0)
        ) AS `a2_past_orders_w0`,
        MAX(
          IF((
            `t16`.`past` >= -2419200000000
          ) AND (
            `t16`.`past` < 0
          ) AND `t16`.`w3`, 1, 0)
        ) AS `a3_past_orders_w0`,
        SUM(
          IF(
            `t16`.`w1`
            AND (
              `t16`.`elapsed` >= 0
            )
            AND (
              `t16`.`elapsed` < 1814400000000
            ),
            `t16`.`v0`,
            NULL
          )
        ) AS `x4_sum_revenue_0_21`,
        SUM(
          CAST(`t16`.`w2`
          AND (
            `t16`.`elapsed` >= 0
          )
          AND (
            `t16`.`elapsed` < 1814400000000
          ) AS BIGINT)
        ) AS `x5_count_order_0_21`,
        SUM(
          IF(
            `t16`.`w1` AND (
              `t16`.`past` >= -2419200000000
            ) AND (
              `t16`.`past` < 0
            ),
            `t16`.`v0`,
            NULL
          )
        ) AS `x6_sum_revenue_before_28`,
        SUM(
          CAST(`t16`.`w2` AND (
            `t16`.`past` >= -2419200000000
          ) AND (
            `t16`.`past` < 0
          ) AS BIGINT)
        ) AS `x8_count_order_before_28`,
        SUM(
          IF(
            (
              `t16`.`calendar` >= 0
            )
            AND (
              `t16`.`elapsed` >= 0
            )
            AND (
              `t16`.`calendar` < 1814400000000
            ),
            `t16`.`v0`,
            NULL
          )
        ) AS `x10_sum_revenue_0_21`,
        SUM(
          IF((
            `t16`.`past` >= -2419200000000
          ) AND (
            `t16`.`past` < 0
          ), `t16`.`v0`, NULL)
        ) AS `x11_sum_revenue_before_28`
      FROM (
        SELECT
          *
        FROM (
          SELECT
            `t12`.`unit`,
            `t12`.`us`,
            `t12`.`w1`,
            `t12`.`v0`,
            `t12`.`w2`,
            `t12`.`w3`,
            `t12`.`t0`,
            `t12`.`day0`,
            `t12`.`us` - `t12`.`t0` AS `elapsed`,
            `t12`.`us` - `t12`.`t0` AS `past`,
            CASE
              WHEN `t12`.`us` >= 1761440400000000
              THEN `t12`.`us` + 3600000000
              ELSE `t12`.`us` + 7200000000
            END - (
              CAST(`t12`.`day0` AS BIGINT) * 86400000000
            ) AS `calendar`
          FROM (
            SELECT
              `t10`.`unit`,
              `t10`.`us`,
              `t10`.`w1`,
              `t10`.`v0`,
              `t10`.`w2`,
              `t10`.`w3`,
              `t6`.`t0`,
              `t6`.`day0`
            FROM (
              SELECT
                `t1`.`customer_id` AS `unit`,
                CASE
                  WHEN UNIX_MICROS(CAST(`t1`.`ordered_at` AS TIMESTAMP)) >= 1761444000000000
                  THEN UNIX_MICROS(CAST(`t1`.`ordered_at` AS TIMESTAMP)) + -3600000000
                  ELSE UNIX_MICROS(CAST(`t1`.`ordered_at` AS TIMESTAMP)) + -7200000000
                END AS `us`,
                (
                  `t1`.`amount` IS NOT NULL
                )
                AND (
                  TRUE AND COALESCE(NOT (
                    `t1`.`channel` = 'app'
                  ), FALSE)
                ) AS `w1`,
                CAST(CAST(`t1`.`amount` AS DECIMAL(38, 2)) * 100 AS BIGINT) AS `v0`,
                TRUE AND COALESCE(NOT (
                  `t1`.`channel` = 'app'
                ), FALSE) AS `w2`,
                `t1`.`amount` IS NOT NULL AS `w3`
              FROM `shop`.`orders` AS `t1`
              WHERE
                `t1`.`ordered_at` < CAST('2025-11-21T01:00:00' AS TIMESTAMP_NTZ)
                AND `t1`.`ordered_at` >= CAST('2025-09-24T18:00:00' AS TIMESTAMP_NTZ)
                AND `t1`.`customer_id` IS NOT NULL
            ) AS `t10`
            INNER JOIN (
              SELECT
                `t0`.`unit`,
                `t0`.`t0`,
                `t0`.`day0`
              FROM `holdfast_assigned` AS `t0`
              WHERE
                `t0`.`variant` IS NOT NULL
            ) AS `t6`
              ON `t10`.`unit` = `t6`.`unit`
          ) AS `t12`
          WHERE
            (
              `t12`.`us` - `t12`.`t0`
            ) >= -2419200000000
        ) AS `t14`
        WHERE
          (
            `t14`.`elapsed` < 1814400000000
          ) OR (
            `t14`.`calendar` < 1814400000000
          )
      ) AS `t16`
      GROUP BY
        1
    ) AS `t20`
      ON `t23`.`unit` = `t20`.`unit`
  ) AS `t24`
) AS `t25`;
