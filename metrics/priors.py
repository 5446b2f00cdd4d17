"""What is known of a class before looking at an estate: priors by moments (method.md 2.2 to 2.4).

``estimate`` takes one row per estate, period and metric (``period, estate_class, unit_id, metric, family, higher_better``
and the decayed sums ``y, e, e2, yy``) and returns contract Prior: ``m`` the class level, ``tau2`` the between-estate
variance after the strength factor (for proportions the intra-class correlation rho), ``c`` the severity constant (severity)
or the pooled within-estate variance (mean). Obligations are facts and get no prior. All classes, periods and metrics at once.

``y`` of severity metrics is divided by ``c`` first, so that they are scaled Poisson and share the rate formulas.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from rules.book import Rule

GROUP = ["period", "estate_class", "metric"]


def _per_class(column: pl.Expr) -> pl.Expr:
    return column.sum().over(GROUP)


def class_constant(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``c`` (severity: sum w^2 y / sum w y of the class; else 1) and ``ys = y / c``.

    T3: 4 severe, 20 moderate and 40 low defects give c = 1711.56 / 265.2 = 6.453846.
    """
    c = _per_class(pl.col("yy")) / _per_class(pl.col("y"))
    c = pl.when((pl.col("family") == "severity") & c.is_finite()).then(c).otherwise(1.0)
    return rows.with_columns(c=c).with_columns(ys=pl.col("y") / pl.col("c"))


def winsorised(value: pl.Expr, share: float) -> pl.Expr:
    """Clip to the class's ``share`` and ``1 - share`` quantiles; share 0 leaves all as it is."""
    if share == 0:
        return value
    return value.clip(
        value.quantile(share, "linear").over(GROUP), value.quantile(1 - share, "linear").over(GROUP)
    )


def rates(rows: pl.DataFrame, tail: float = 0.0) -> pl.DataFrame:
    """Gamma-Poisson moments of ``ys`` events on ``e``: one row per class with ``m, tau2, units``.

    T4: y = [2,0,6,1,11], e = [4,1,8,2,5] give m = 1, tau2 = .427586.
    """
    e, w = pl.col("e"), _per_class(pl.col("e"))
    m = _per_class(pl.col("ys")) / w
    rows = rows.with_columns(w=w, m=m)
    r, m = winsorised(pl.col("ys") / e, tail), pl.col("m")
    return rows.group_by(GROUP, maintain_order=True).agg(
        m=m.first(),
        q=(e * (r - m) ** 2).sum(),
        noise=(m * (pl.col("e2") / e) * (1 - e / pl.col("w"))).sum(),
        spread=pl.col("w").first() - (e**2).sum() / pl.col("w").first(),
        units=pl.len(),
        w=pl.col("w").first(),
        c=pl.col("c").first(),
    ).with_columns(tau2=((pl.col("q") - pl.col("noise")) / pl.col("spread")).fill_nan(0.0).clip(0.0))  # fmt: skip


def proportions(rows: pl.DataFrame, tail: float = 0.0) -> pl.DataFrame:
    """Beta-binomial moments of ``y`` out of ``e``: ``m``, ``tau2`` (= rho), ``units``.

    T5: k = [10,2,12,2,14], n = [10,4,16,4,16] give m = .8, rho = .115112.
    """
    n, w = pl.col("e"), _per_class(pl.col("e"))
    rows = rows.with_columns(w=w, m=_per_class(pl.col("y")) / w)
    p, m, rest = winsorised(pl.col("y") / n, tail), pl.col("m"), 1 - n / pl.col("w")
    return rows.group_by(GROUP, maintain_order=True).agg(
        m=m.first(),
        q=(n * (p - m) ** 2 / (m * (1 - m))).sum(),
        noise=((pl.col("e2") / n) * rest).sum(),
        spread=((n - pl.col("e2") / n) * rest).sum(),
        units=pl.len(),
        w=pl.col("w").first(),
        c=pl.lit(1.0).first(),
    ).with_columns(
        tau2=((pl.col("q") - pl.col("noise")) / pl.col("spread")).fill_nan(0.0).clip(0.0, 0.95)
    )  # fmt: skip


def means(rows: pl.DataFrame) -> pl.DataFrame:
    """Normal-Normal moments of visits (``y`` sum, ``yy`` sum of squares, ``e`` weight): ``m, tau2, c = sigma^2, units``."""
    inner = (pl.col("yy") - pl.col("y") ** 2 / pl.col("e")).clip(0.0)
    freedom = pl.col("e") - pl.col("e2") / pl.col("e")
    sigma2 = _per_class(inner) / _per_class(freedom)
    mean = pl.col("y") / pl.col("e")
    # one visit per estate tells nothing of the spread between visits: take all of the spread between estates
    sigma2 = pl.when(sigma2.is_finite() & (sigma2 > 0)).then(sigma2).otherwise(mean.var().over(GROUP).fill_null(1.0).clip(1e-9))
    rows = rows.with_columns(sigma2=sigma2, mean=mean).with_columns(v=pl.col("sigma2") * pl.col("e2") / pl.col("e") ** 2)
    v, mean = pl.col("v"), pl.col("mean")
    rows = rows.with_columns(w=_per_class(1 / v)).with_columns(m0=_per_class(mean / v) / pl.col("w"))
    moments = rows.group_by(GROUP, maintain_order=True).agg(
        q=((mean - pl.col("m0")) ** 2 / v).sum(),
        units=pl.len(),
        w=pl.col("w").first(),
        spread=pl.col("w").first() - (v**-2).sum() / pl.col("w").first(),
        c=pl.col("sigma2").first(),
    ).with_columns(
        tau2=((pl.col("q") - (pl.col("units") - 1)) / pl.col("spread")).fill_nan(0.0).clip(0.0)
    )  # fmt: skip
    again = rows.join(moments.select(*GROUP, "tau2"), on=GROUP).with_columns(k=1 / (v + pl.col("tau2")))
    levels = again.group_by(GROUP, maintain_order=True).agg(m=(pl.col("k") * mean).sum() / pl.col("k").sum())
    return moments.join(levels, on=GROUP)


def effective_metrics(weights: np.ndarray) -> float:
    """J_eff = 1 / sum w^2 of overall weights that sum to 1 (T7: .1126 gives 8.880995)."""
    return 1.0 / float((weights**2).sum())


def strength(correlation: float, j_eff: float) -> float:
    """lambda = 1 + (J_eff - 1) r, clipped to [1, J_eff] (T7: r = .74, J_eff = 8.880995 gives 6.8319)."""
    return float(np.clip(1 + (j_eff - 1) * correlation, 1.0, j_eff))


def pair_correlations(d: np.ndarray, n: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """True between-estate correlations by moments (method.md 2.3).

    Args:
        d: (estates, metrics) signed deviations from the class level, 0 where not measured.
        n: (estates, metrics) evidence, 0 where not measured.
        tau: (metrics,) between-estate standard deviations.

    Returns:
        (metrics, metrics); NaN where a tau is 0 or nothing is shared.
    """
    root = np.sqrt(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance = (root * d).T @ (root * d) / (root.T @ root)
        return covariance / np.outer(tau, tau)


def mean_correlation(rows: pl.DataFrame, moments: pl.DataFrame, min_units: int) -> dict[str, float]:
    """r-bar per period: mean over metric pairs with both tau > 0 and enough estates, weighted by class size, in [0, .95]."""
    tau = pl.when(pl.col("family") == "proportion").then(
        (pl.col("tau2") * pl.col("m") * (1 - pl.col("m"))).sqrt()
    ).otherwise(pl.col("tau2").sqrt())  # fmt: skip
    seen = rows.join(moments.select(*GROUP, "m", "tau2", "units"), on=GROUP).filter(pl.col("units") >= min_units)
    seen = seen.with_columns(tau=tau).filter(pl.col("tau") > 0)
    sign = pl.when(pl.col("higher_better")).then(1.0).otherwise(-1.0)
    seen = seen.with_columns(d=sign * (pl.col("ys") / pl.col("e") - pl.col("m")))
    sums: dict[str, list[tuple[float, float]]] = {}
    for (period, _), part in seen.group_by(["period", "estate_class"], maintain_order=True):
        if part.get_column("metric").n_unique() < 2:
            continue
        d, n, tau_of = (
            part.pivot(on="metric", index="unit_id", values=v, aggregate_function="first").fill_null(0.0)
            for v in ("d", "e", "tau")
        )
        names = d.columns[1:]
        taus = tau_of.select(names).max().to_numpy()[0]
        correlation = pair_correlations(d.select(names).to_numpy(), n.select(names).to_numpy(), taus)
        pairs = correlation[np.triu_indices(len(names), 1)]
        pairs = pairs[np.isfinite(pairs)]
        size = part.get_column("unit_id").n_unique()
        sums.setdefault(period, []).append((float(pairs.sum()) * size, float(pairs.size) * size))
    return {
        period: float(np.clip(sum(a for a, _ in parts) / max(sum(b for _, b in parts), 1e-12), 0.0, 0.95))
        for period, parts in sums.items()
    }


def guarded(moments: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Small classes borrow the spread (relative to their own level) of all classes (method.md 2.4)."""
    few, enough = rule["class_pooled_below"], rule["class_blended_below"]
    relative = pl.when(pl.col("family") == "proportion").then(pl.col("tau2")).otherwise(pl.col("tau2") / pl.col("m") ** 2)
    rows = moments.with_columns(cv2=relative.fill_nan(0.0).fill_null(0.0))
    big = pl.when(pl.col("units") >= few).then(pl.col("units")).otherwise(0)
    over = ["period", "metric"]
    weight = pl.when(big.sum().over(over) > 0).then(big).otherwise(pl.col("units")).cast(pl.Float64)
    pooled = (weight * pl.col("cv2")).sum().over(over) / weight.sum().over(over)
    n = pl.col("units").cast(pl.Float64)
    cv2 = (
        pl.when(pl.col("units") < few)
        .then(pooled)
        .when(pl.col("units") < enough)
        .then((n * pl.col("cv2") + few * pooled) / (n + few))
        .otherwise(pl.col("cv2"))
    )
    rows = rows.with_columns(cv2=cv2)
    return rows.with_columns(
        tau2=pl.when(pl.col("family") == "proportion").then(pl.col("cv2")).otherwise(pl.col("cv2") * pl.col("m") ** 2)
    ).drop("cv2")


def strengthened(moments: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Apply lambda (column ``strength``) and the floors and ceilings that keep a prior usable."""
    proportion, mean = pl.col("family") == "proportion", pl.col("family") == "mean"
    half = 0.5 / pl.col("w")  # a class without a single event is not a class without risk: half an event
    m = pl.when(proportion).then(pl.col("m").clip(half, 1 - half)).when(mean).then(pl.col("m")).otherwise(
        pl.max_horizontal("m", half)
    )  # fmt: skip
    moments = moments.with_columns(m=m)
    wide = pl.col("strength") * pl.col("tau2")
    rho = wide.clip(rule["rho_floor"], rule["rho_ceiling"])
    rate = wide.clip((rule["cv_floor"] * pl.col("m")) ** 2, (rule["cv_ceiling"] * pl.col("m")) ** 2)
    return moments.with_columns(tau2=pl.when(proportion).then(rho).when(mean).then(wide).otherwise(rate))


def estimate(rows: pl.DataFrame, weights: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Priors of every period, class and metric: contract Prior.

    Args:
        rows: estate-level sums as in the module's docstring.
        weights: ``metric, overall`` (weight in the whole index; scored metrics sum to 1).
        rule: the index rule in force.
    """
    rows = class_constant(rows.filter(pl.col("family") != "obligation"))
    tail = rule["winsorise"]
    family = pl.col("family")
    parts = [
        rates(rows.filter(family.is_in(["rate", "severity"])), tail),
        proportions(rows.filter(family == "proportion"), tail),
        means(rows.filter(family == "mean")),
    ]
    families = rows.select("metric", "family").unique()
    columns = [*GROUP, "m", "tau2", "units", "w", "c"]
    moments = pl.concat([p.select(columns) for p in parts], how="vertical_relaxed").join(families, on="metric")
    scored = weights.filter(pl.col("overall") > 0)
    own = rows.join(scored.select("metric"), on="metric")
    correlation = mean_correlation(own, moments, rule["class_pooled_below"])
    j_eff = effective_metrics(scored.get_column("overall").to_numpy())
    factor = pl.DataFrame(
        {"period": list(correlation), "strength": [strength(r, j_eff) for r in correlation.values()]},
        schema={"period": pl.String, "strength": pl.Float64},
    )
    moments = moments.join(factor, on="period", how="left").with_columns(pl.col("strength").fill_null(1.0))
    return strengthened(guarded(moments, rule), rule).sort(GROUP).select(
        *GROUP, "family", "m", "tau2", "strength", pl.col("units").cast(pl.Int64), "c"
    )  # fmt: skip


def posterior(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``raw`` (y / e), ``estimate`` (after the pull) and the posterior's two parameters ``post_a, post_b``.

    ``rows`` carry family, y, e and the prior's m, tau2, c; y and e are 0 where nothing was collected, and the estimate is
    then the class level. Gamma (a, b), Beta (a, b), Normal (mean, variance); an obligation is a fact (done / required, 0).
    """
    m, tau2, c, y, e = (pl.col(k) for k in ("m", "tau2", "c", "y", "e"))
    family = pl.col("family")
    raw = pl.when(e > 0).then(y / e)
    shape, rate = m**2 / tau2 + y / c, m / tau2 + e
    total = 1 / tau2 - 1
    k_a, k_b = m * total + y, (1 - m) * total + (e - y)
    own = pl.when(e > 0).then(tau2 / (tau2 + c / e)).otherwise(0.0)
    level = own * raw.fill_null(0.0) + (1 - own) * m
    spread = pl.when(e > 0).then(own * c / e).otherwise(tau2)
    gamma = family.is_in(["rate", "severity"])
    return rows.with_columns(
        raw=raw,
        post_a=pl.when(gamma).then(shape).when(family == "proportion").then(k_a).when(family == "mean").then(level).otherwise(raw),
        post_b=pl.when(gamma).then(rate).when(family == "proportion").then(k_b).when(family == "mean").then(spread).otherwise(0.0),
    ).with_columns(
        estimate=pl.when(gamma)
        .then(pl.when(family == "severity").then(c).otherwise(1.0) * pl.col("post_a") / pl.col("post_b"))
        .when(family == "proportion")
        .then(pl.col("post_a") / (pl.col("post_a") + pl.col("post_b")))
        .otherwise(pl.col("post_a"))
    )  # fmt: skip
