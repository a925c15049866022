-- clickhouse
-- the assigned units, each once, from its first assignment
SELECT
  "t4"."unit" AS "unit",
  "t4"."own_country" AS "own_country",
  "t4"."t0" AS "t0",
  "t4"."day0" AS "day0",
  CASE WHEN "t4"."low" = -1 THEN CAST(NULL AS Nullable(Int16)) ELSE "t4"."low" END AS "variant",
  CAST("t4"."seen" AS Nullable(Int32)) AS "seen",
  "t4"."low" <> "t4"."high" AS "crossed"
FROM (
  SELECT
    "t3"."unit" AS "unit",
    COUNT(*) AS "seen",
    MIN("t3"."own_country") AS "own_country",
    MIN("t3"."t0") AS "t0",
    MIN("t3"."day0") AS "day0",
    MIN("t3"."place") AS "low",
    MAX("t3"."place") AS "high"
  FROM (
    SELECT
      "t2"."own_country" AS "own_country",
      "t2"."unit" AS "unit",
      "t2"."variant" AS "variant",
      "t2"."label" AS "label",
      "t2"."t0" AS "t0",
      CAST(CAST(FLOOR(
        (
          CASE
            WHEN "t2"."t0" >= 1761440400000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1743296400000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1729990800000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1711846800000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1698541200000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1679792400000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1667091600000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1648342800000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1635642000000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1616893200000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1603587600000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1585443600000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1572138000000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1553994000000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1540688400000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1521939600000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1509238800000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1490490000000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1477789200000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1459040400000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1445734800000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1427590800000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1414285200000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1396141200000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1382835600000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1364691600000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1351386000000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1332637200000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1319936400000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1301187600000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1288486800000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1269738000000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1256432400000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1238288400000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1224982800000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1206838800000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1193533200000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1174784400000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1162083600000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1143334800000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1130634000000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1111885200000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1099184400000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1080435600000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1067130000000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1048986000000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1035680400000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 1017536400000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 1004230800000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 985482000000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 972781200000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 954032400000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 941331600000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 922582800000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 909277200000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 891133200000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 877827600000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 859683600000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 846378000000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 828234000000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 811904400000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 796179600000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 780454800000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 764730000000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 749005200000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 733280400000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 717555600000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 701830800000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 686106000000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 670381200000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 654656400000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 638326800000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 622602000000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 606877200000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 591152400000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 575427600000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 559702800000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 543978000000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 528253200000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 512528400000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 496803600000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 481078800000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 465354000000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 449024400000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 433299600000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 417574800000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 401850000000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 386125200000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 370400400000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 354675600000000
            THEN "t2"."t0" + 7200000000
            WHEN "t2"."t0" >= 338950800000000
            THEN "t2"."t0" + 3600000000
            WHEN "t2"."t0" >= 323830800000000
            THEN "t2"."t0" + 7200000000
            ELSE "t2"."t0" + 3600000000
          END
        ) / (
          86400000000
        )
      ) AS Nullable(Int64)) AS Nullable(Int32)) AS "day0",
      COALESCE("t2"."variant", -1) AS "place"
    FROM (
      SELECT
        "t1"."own_country" AS "own_country",
        "t1"."unit" AS "unit",
        CAST(CASE
          WHEN "t1"."variant" = 'control'
          THEN 0
          WHEN "t1"."variant" = 'letter'
          THEN 1
          WHEN "t1"."variant" = 'call'
          THEN 2
          ELSE NULL
        END AS Nullable(Int16)) AS "variant",
        CASE
          WHEN isNull("t1"."variant")
          THEN "t1"."label"
          ELSE CAST(NULL AS Nullable(String))
        END AS "label",
        toUnixTimestamp64Micro(toDateTime64("t1"."t0", 6, 'UTC')) AS "t0"
      FROM (
        SELECT
          CASE
            WHEN "t0"."label" = 'control'
            THEN 'control'
            WHEN "t0"."label" = 'letter'
            THEN 'letter'
            WHEN "t0"."label" = 'call'
            THEN 'call'
            ELSE NULL
          END AS "variant",
          COALESCE("t0"."label", '(empty)') AS "label",
          "t0"."country" AS "own_country",
          "t0"."customer_id" AS "unit",
          CASE
            WHEN toString(
              toTimeZone(
                subtractSeconds(
                  toDateTime64(toString("t0"."assigned_at"), 6, 'UTC'),
                  timeZoneOffset(
                    toTimeZone(
                      addDays(
                        toTimeZone(toDateTime64(toString("t0"."assigned_at"), 6, 'Europe/Berlin'), 'UTC'),
                        1
                      ),
                      'Europe/Berlin'
                    )
                  )
                ),
                'Europe/Berlin'
              )
            ) = toString(toDateTime64(toString("t0"."assigned_at"), 6, 'UTC'))
            THEN GREATEST(
              toTimeZone(toDateTime64(toString("t0"."assigned_at"), 6, 'Europe/Berlin'), 'UTC'),
              subtractSeconds(
                toDateTime64(toString("t0"."assigned_at"), 6, 'UTC'),
                timeZoneOffset(
                  toTimeZone(
                    addDays(
                      toTimeZone(toDateTime64(toString("t0"."assigned_at"), 6, 'Europe/Berlin'), 'UTC'),
                      1
                    ),
                    'Europe/Berlin'
                  )
                )
              )
            )
            ELSE toTimeZone(toDateTime64(toString("t0"."assigned_at"), 6, 'Europe/Berlin'), 'UTC')
          END AS "t0"
        FROM "shop"."assigned" AS "t0"
        WHERE
          isNull(
            CASE
              WHEN toString(
                toTimeZone(
                  subtractSeconds(
                    toDateTime64(toString("t0"."assigned_at"), 6, 'UTC'),
                    timeZoneOffset(
                      toTimeZone(
                        addDays(
                          toTimeZone(toDateTime64(toString("t0"."assigned_at"), 6, 'Europe/Berlin'), 'UTC'),
                          1
                        ),
                        'Europe/Berlin'
                      )
                    )
                  ),
                  'Europe/Berlin'
                )
              ) = toString(toDateTime64(toString("t0"."assigned_at"), 6, 'UTC'))
              THEN GREATEST(
                toTimeZone(toDateTime64(toString("t0"."assigned_at"), 6, 'Europe/Berlin'), 'UTC'),
                subtractSeconds(
                  toDateTime64(toString("t0"."assigned_at"), 6, 'UTC'),
                  timeZoneOffset(
                    toTimeZone(
                      addDays(
                        toTimeZone(toDateTime64(toString("t0"."assigned_at"), 6, 'Europe/Berlin'), 'UTC'),
                        1
                      ),
                      'Europe/Berlin'
                    )
                  )
                )
              )
              ELSE toTimeZone(toDateTime64(toString("t0"."assigned_at"), 6, 'Europe/Berlin'), 'UTC')
            END
          )
          OR (
            CASE
              WHEN toString(
                toTimeZone(
                  subtractSeconds(
                    toDateTime64(toString("t0"."assigned_at"), 6, 'UTC'),
                    timeZoneOffset(
                      toTimeZone(
                        addDays(
                          toTimeZone(toDateTime64(toString("t0"."assigned_at"), 6, 'Europe/Berlin'), 'UTC'),
                          1
                        ),
                        'Europe/Berlin'
                      )
                    )
                  ),
                  'Europe/Berlin'
                )
              ) = toString(toDateTime64(toString("t0"."assigned_at"), 6, 'UTC'))
              THEN GREATEST(
                toTimeZone(toDateTime64(toString("t0"."assigned_at"), 6, 'Europe/Berlin'), 'UTC'),
                subtractSeconds(
                  toDateTime64(toString("t0"."assigned_at"), 6, 'UTC'),
                  timeZoneOffset(
                    toTimeZone(
                      addDays(
                        toTimeZone(toDateTime64(toString("t0"."assigned_at"), 6, 'Europe/Berlin'), 'UTC'),
                        1
                      ),
                      'Europe/Berlin'
                    )
                  )
                )
              )
              ELSE toTimeZone(toDateTime64(toString("t0"."assigned_at"), 6, 'Europe/Berlin'), 'UTC')
            END < parseDateTimeBestEffort('2025-11-28T23:00:00')
          )
      ) AS "t1"
    ) AS "t2"
  ) AS "t3"
  GROUP BY
    "t3"."unit"
) AS "t4";
