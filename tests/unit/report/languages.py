"""The voucher experiment with each verdict, and as a Japanese team would have written it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from holdfast.model.found import Alarm, Look
from holdfast.model.result import Analysis, Check, Recommendation, VariantVerdict, Verdict

TITLES = {
    "margin": "1人あたり限界利益",
    "retained": "顧客維持率：56～89日目に購入",
    "churned": "顧客離脱率：90日目に60日以上注文なし",
    "average_order_value": "平均注文額",
    "unsubscribed": "配信停止率",
    "margin_after": "クーポン失効後の限界利益",
    "days_kept": "アカウントの継続日数",
}
WORDS = {
    "country": "国",
    "last year's spend": "昨年の購入額",
    "top 20%": "上位20%",
    "others": "その他",
    "price": "価格",
    "moved": "転居",
    "Bought in the period": "期間中に購入した割合",
    "Time until the account was closed": "退会までの日数",
    "Spend in 365 days": "過去365日の購入額",
    "Orders in 365 days": "過去365日の注文回数",
}


def judged(analysis: Analysis, recommendation: Recommendation, reason: str, *metrics: str) -> Analysis:
    """The analysis with another verdict on the voucher."""
    row = VariantVerdict(variant="voucher", recommendation=recommendation, reason=reason, metrics=metrics)
    named = recommendation not in {"keep_running", "no_verdict"}
    verdict = Verdict(
        recommendation=recommendation,
        reason=reason,
        rule="0",
        variant="voucher" if named else None,
        metrics=metrics,
        by_variant=(row,),
    )
    return replace(analysis, verdict=verdict)


def do_not_ship(analysis: Analysis) -> Analysis:
    """More customers than is tolerated turned the mails off."""
    worse = {"estimate": 0.009, "lower": 0.0064, "upper": 0.0116}
    rows = tuple(
        replace(row, state="harm", **worse)  # type: ignore[arg-type]
        if row.metric == "unsubscribed" and row.estimand == "difference"
        else row
        for row in analysis.estimates
        if row.metric != "unsubscribed" or row.estimand == "difference"
    )
    levels = tuple(
        replace(level, value=0.0211) if (level.metric, level.variant) == ("unsubscribed", "voucher") else level
        for level in analysis.levels
    )
    changed = replace(analysis, estimates=rows, levels=levels, money=())
    return judged(changed, "do_not_ship", "harm", "unsubscribed")


def unclear(analysis: Analysis) -> Analysis:
    """The interval of the margin holds both zero and the effect worth having."""
    wide = {"lower": -12.0, "upper": 174.0, "lower_adjusted": -12.0, "upper_adjusted": 174.0, "p": 0.088}
    share = {"lower_adjusted": -0.018, "upper_adjusted": 0.254}
    change = {"difference": wide | {"p_adjusted": 0.088}, "lift": share}
    rows = tuple(
        replace(row, state="cannot_tell", **change[row.estimand])  # type: ignore[arg-type]
        if row.metric == "margin"
        else row
        for row in analysis.estimates
    )
    return replace(analysis, estimates=rows, money=())


def keep_running(analysis: Analysis) -> Analysis:
    """The second of four looks concludes nothing."""
    look = Look(method="group_sequential", spending="obrien_fleming", number=2, of=4, fraction=0.553, critical=2.9626)
    found = judged(replace(unclear(analysis), look=look), "keep_running", "not_crossed")
    return replace(found, verdict=replace(found.verdict, until="2027-03-14"))


def discuss(analysis: Analysis) -> Analysis:
    """The interval holds both zero and the effect worth having."""
    found = judged(unclear(analysis), "discuss", "inconclusive", "margin")
    verdicts = tuple(replace(each, follow_up=190_000) for each in found.verdict.by_variant)
    return replace(found, verdict=replace(found.verdict, by_variant=verdicts))


def no_verdict(analysis: Analysis) -> Analysis:
    """The plan was 52 to 48, so units of one variant are missing."""
    weights = {"control": 52, "voucher": 48}
    variants = tuple(replace(info, weight=weights[info.key]) for info in analysis.variants)
    bad = Check(id="srm", status="block", value=1.5e-9, limit=0.0005)
    checks = tuple(bad if check.id == "srm" else check for check in analysis.checks)
    return judged(replace(analysis, checks=checks, variants=variants, money=()), "no_verdict", "check_failed")


def ship(analysis: Analysis) -> Analysis:
    """As it is."""
    return analysis


def early(analysis: Analysis) -> Analysis:
    """Read before the readout, with an alarm of harm."""
    alarms = (
        Alarm(metric="margin", variant="voucher", crossed=False),
        Alarm(metric="unsubscribed", variant="voucher", crossed=True),
    )
    found = judged(replace(analysis, alarms=alarms), "keep_running", "not_mature")
    verdict = replace(found.verdict, until="2027-02-12")
    return replace(found, plan=replace(analysis.plan, interim=True), verdict=verdict)


VERDICTS: Mapping[str, Callable[[Analysis], Analysis]] = {
    "ship": ship,
    "do_not_ship": do_not_ship,
    "keep_running": keep_running,
    "discuss": discuss,
    "no_verdict": no_verdict,
    "interim": early,
}


def in_japanese(analysis: Analysis) -> Analysis:
    """The same experiment with every text of its author in Japanese."""
    info = replace(
        analysis.experiment,
        title="最終注文から60日のお客様への呼び戻しクーポン",
        owner="リテンション推進",
        hypothesis="10%引きのクーポンで休眠顧客が戻り、限界利益で費用を回収できる",
        audience=(("最終注文からの日数", "55 to 65"),),
        language="ja",
    )
    control, voucher = analysis.variants
    return replace(
        analysis,
        experiment=info,
        variants=(
            replace(control, title="案内なし"),
            replace(
                voucher,
                title="クーポン",
                tactic="呼び戻しクーポン",
                description="10%引きクーポン（4,000円以上・有効14日）をメールで案内しました。",
            ),
        ),
        metrics=tuple(replace(metric, title=TITLES[metric.key]) for metric in analysis.metrics),
        curves=tuple(replace(curve, title=WORDS[curve.title]) for curve in analysis.curves),
        survival=tuple(
            replace(
                row,
                title=WORDS[row.title],
                causes=tuple(replace(cause, cause=WORDS[cause.cause]) for cause in row.causes),
            )
            for row in analysis.survival
        ),
        segments=tuple(
            replace(row, dimension=WORDS[row.dimension], level=WORDS.get(row.level or "", row.level))
            for row in analysis.segments
        ),
        interactions=tuple(replace(row, dimension=WORDS[row.dimension]) for row in analysis.interactions),
        balance=tuple(replace(row, title=WORDS[row.title]) for row in analysis.balance),
    )
