-- clickhouse
-- all moments of all metrics, one row a variant
--   n units; s sums and p sums of products, in the units above (of 0 and 1 the sum is its own square's);
--   of numbers without such a unit: mean means, p variances and covariances
--   m0, m1, ...: which units count for a metric; _cap0, _cap1, ...: limited by a cap
--   variant: 0 is control, 1 is letter, 2 is call
--   day_7: m0, x0_active_session_7_8, with x1_active_session_before_28
--   churned: m0, x2_inactive_order_11_21, with x3_active_order_before_28
--   average_order_value: m0, x4_sum_revenue_0_21 over x5_count_order_0_21, with x6_sum_revenue_before_28, x7_active_revenue_before_28, x8_count_order_before_28, x9_active_order_before_28
--   revenue: m0, x10_sum_revenue_0_21_cap0, with x11_sum_revenue_before_28_cap0, x12_active_revenue_before_28
--   curve_1_day_0: m0, x13_active_session_0_1
--   curve_1_day_1: m0, x14_active_session_1_7
--   curve_1_day_7: m0, x15_active_session_7_14
-- holdfast_units stands for the table of one row a unit.
SELECT
  *
FROM (
  SELECT
    "t0"."variant" AS "variant",
    COUNT(*) AS "units",
    COUNT(*) AS "n_m0",
    countIf("t0"."x0_active_session_7_8" > 0) AS "active_x0_active_session_7_8_m0",
    CAST(SUM(CAST("t0"."x0_active_session_7_8" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x0_active_session_7_8_m0",
    CAST(SUM(
      CAST("t0"."x0_active_session_7_8" AS Nullable(Decimal(38, 0))) * CAST("t0"."x1_active_session_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x0_x1_m0",
    CAST(SUM(CAST("t0"."x1_active_session_before_28" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x1_active_session_before_28_m0",
    countIf("t0"."x2_inactive_order_11_21" > 0) AS "active_x2_inactive_order_11_21_m0",
    CAST(SUM(CAST("t0"."x2_inactive_order_11_21" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x2_inactive_order_11_21_m0",
    CAST(SUM(
      CAST("t0"."x2_inactive_order_11_21" AS Nullable(Decimal(38, 0))) * CAST("t0"."x3_active_order_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x2_x3_m0",
    CAST(SUM(CAST("t0"."x3_active_order_before_28" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x3_active_order_before_28_m0",
    countIf("t0"."x5_count_order_0_21" > 0) AS "active_x5_count_order_0_21_m0",
    CAST(SUM(CAST("t0"."x4_sum_revenue_0_21" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x4_sum_revenue_0_21_m0",
    CAST(SUM(
      CAST("t0"."x4_sum_revenue_0_21" AS Nullable(Decimal(38, 0))) * CAST("t0"."x4_sum_revenue_0_21" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x4_x4_m0",
    CAST(SUM(
      CAST("t0"."x4_sum_revenue_0_21" AS Nullable(Decimal(38, 0))) * CAST("t0"."x5_count_order_0_21" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x4_x5_m0",
    CAST(SUM(
      CAST("t0"."x4_sum_revenue_0_21" AS Nullable(Decimal(38, 0))) * CAST("t0"."x6_sum_revenue_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x4_x6_m0",
    CAST(SUM(
      CAST("t0"."x4_sum_revenue_0_21" AS Nullable(Decimal(38, 0))) * CAST("t0"."x7_active_revenue_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x4_x7_m0",
    CAST(SUM(
      CAST("t0"."x4_sum_revenue_0_21" AS Nullable(Decimal(38, 0))) * CAST("t0"."x8_count_order_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x4_x8_m0",
    CAST(SUM(
      CAST("t0"."x4_sum_revenue_0_21" AS Nullable(Decimal(38, 0))) * CAST("t0"."x9_active_order_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x4_x9_m0",
    CAST(SUM(CAST("t0"."x5_count_order_0_21" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x5_count_order_0_21_m0",
    CAST(SUM(
      CAST("t0"."x5_count_order_0_21" AS Nullable(Decimal(38, 0))) * CAST("t0"."x5_count_order_0_21" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x5_x5_m0",
    CAST(SUM(
      CAST("t0"."x5_count_order_0_21" AS Nullable(Decimal(38, 0))) * CAST("t0"."x6_sum_revenue_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x5_x6_m0",
    CAST(SUM(
      CAST("t0"."x5_count_order_0_21" AS Nullable(Decimal(38, 0))) * CAST("t0"."x7_active_revenue_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x5_x7_m0",
    CAST(SUM(
      CAST("t0"."x5_count_order_0_21" AS Nullable(Decimal(38, 0))) * CAST("t0"."x8_count_order_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x5_x8_m0",
    CAST(SUM(
      CAST("t0"."x5_count_order_0_21" AS Nullable(Decimal(38, 0))) * CAST("t0"."x9_active_order_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x5_x9_m0",
    CAST(SUM(CAST("t0"."x6_sum_revenue_before_28" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x6_sum_revenue_before_28_m0",
    CAST(SUM(
      CAST("t0"."x6_sum_revenue_before_28" AS Nullable(Decimal(38, 0))) * CAST("t0"."x6_sum_revenue_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x6_x6_m0",
    CAST(SUM(
      CAST("t0"."x6_sum_revenue_before_28" AS Nullable(Decimal(38, 0))) * CAST("t0"."x7_active_revenue_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x6_x7_m0",
    CAST(SUM(
      CAST("t0"."x6_sum_revenue_before_28" AS Nullable(Decimal(38, 0))) * CAST("t0"."x8_count_order_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x6_x8_m0",
    CAST(SUM(
      CAST("t0"."x6_sum_revenue_before_28" AS Nullable(Decimal(38, 0))) * CAST("t0"."x9_active_order_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x6_x9_m0",
    CAST(SUM(CAST("t0"."x7_active_revenue_before_28" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x7_active_revenue_before_28_m0",
    CAST(SUM(
      CAST("t0"."x7_active_revenue_before_28" AS Nullable(Decimal(38, 0))) * CAST("t0"."x8_count_order_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x7_x8_m0",
    CAST(SUM(
      CAST("t0"."x7_active_revenue_before_28" AS Nullable(Decimal(38, 0))) * CAST("t0"."x9_active_order_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x7_x9_m0",
    CAST(SUM(CAST("t0"."x8_count_order_before_28" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x8_count_order_before_28_m0",
    CAST(SUM(
      CAST("t0"."x8_count_order_before_28" AS Nullable(Decimal(38, 0))) * CAST("t0"."x8_count_order_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x8_x8_m0",
    CAST(SUM(
      CAST("t0"."x8_count_order_before_28" AS Nullable(Decimal(38, 0))) * CAST("t0"."x9_active_order_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x8_x9_m0",
    CAST(SUM(CAST("t0"."x9_active_order_before_28" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x9_active_order_before_28_m0",
    countIf("t0"."x10_sum_revenue_0_21" > 0) AS "active_x10_sum_revenue_0_21_m0",
    CAST(SUM(
      CAST(CASE
        WHEN "t0"."x10_sum_revenue_0_21" > 22738
        THEN 22738
        ELSE "t0"."x10_sum_revenue_0_21"
      END AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "s_x10_sum_revenue_0_21_cap0_m0",
    CAST(SUM(
      CAST(CASE
        WHEN "t0"."x10_sum_revenue_0_21" > 22738
        THEN 22738
        ELSE "t0"."x10_sum_revenue_0_21"
      END AS Nullable(Decimal(38, 0))) * CAST(CASE
        WHEN "t0"."x10_sum_revenue_0_21" > 22738
        THEN 22738
        ELSE "t0"."x10_sum_revenue_0_21"
      END AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x10_cap0_x10_cap0_m0",
    CAST(SUM(
      CAST(CASE
        WHEN "t0"."x10_sum_revenue_0_21" > 22738
        THEN 22738
        ELSE "t0"."x10_sum_revenue_0_21"
      END AS Nullable(Decimal(38, 0))) * CAST(CASE
        WHEN "t0"."x11_sum_revenue_before_28" > 25997
        THEN 25997
        ELSE "t0"."x11_sum_revenue_before_28"
      END AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x10_cap0_x11_cap0_m0",
    CAST(SUM(
      CAST(CASE
        WHEN "t0"."x10_sum_revenue_0_21" > 22738
        THEN 22738
        ELSE "t0"."x10_sum_revenue_0_21"
      END AS Nullable(Decimal(38, 0))) * CAST("t0"."x12_active_revenue_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x10_cap0_x12_m0",
    CAST(SUM(
      CAST(CASE
        WHEN "t0"."x11_sum_revenue_before_28" > 25997
        THEN 25997
        ELSE "t0"."x11_sum_revenue_before_28"
      END AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "s_x11_sum_revenue_before_28_cap0_m0",
    CAST(SUM(
      CAST(CASE
        WHEN "t0"."x11_sum_revenue_before_28" > 25997
        THEN 25997
        ELSE "t0"."x11_sum_revenue_before_28"
      END AS Nullable(Decimal(38, 0))) * CAST(CASE
        WHEN "t0"."x11_sum_revenue_before_28" > 25997
        THEN 25997
        ELSE "t0"."x11_sum_revenue_before_28"
      END AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x11_cap0_x11_cap0_m0",
    CAST(SUM(
      CAST(CASE
        WHEN "t0"."x11_sum_revenue_before_28" > 25997
        THEN 25997
        ELSE "t0"."x11_sum_revenue_before_28"
      END AS Nullable(Decimal(38, 0))) * CAST("t0"."x12_active_revenue_before_28" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x11_cap0_x12_m0",
    CAST(SUM(CAST("t0"."x12_active_revenue_before_28" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x12_active_revenue_before_28_m0",
    CAST(SUM(CAST("t0"."x10_sum_revenue_0_21" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x10_sum_revenue_0_21_m0",
    CAST(SUM(
      CAST("t0"."x10_sum_revenue_0_21" AS Nullable(Decimal(38, 0))) * CAST("t0"."x10_sum_revenue_0_21" AS Nullable(Decimal(38, 0)))
    ) AS Nullable(String)) AS "p_x10_x10_m0",
    countIf("t0"."x13_active_session_0_1" > 0) AS "active_x13_active_session_0_1_m0",
    CAST(SUM(CAST("t0"."x13_active_session_0_1" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x13_active_session_0_1_m0",
    countIf("t0"."x14_active_session_1_7" > 0) AS "active_x14_active_session_1_7_m0",
    CAST(SUM(CAST("t0"."x14_active_session_1_7" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x14_active_session_1_7_m0",
    countIf("t0"."x15_active_session_7_14" > 0) AS "active_x15_active_session_7_14_m0",
    CAST(SUM(CAST("t0"."x15_active_session_7_14" AS Nullable(Decimal(38, 0)))) AS Nullable(String)) AS "s_x15_active_session_7_14_m0"
  FROM "holdfast_units" AS "t0"
  GROUP BY
    "t0"."variant"
) AS "t1"
ORDER BY
  "t1"."variant" ASC;
