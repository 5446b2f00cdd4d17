"""Sentences on scores: what they name is the largest there is, and every line sums."""

from __future__ import annotations

import polars as pl
import pytest

from cases.explanations import company_change, company_sentence, costliest, estate_sentence, item_word, mover, reliable
from data import editions
from data.queries import files, reasons
from data.scope import Scope
from i18n.words import LANGUAGES, Words

ZH, EN = Words("zh"), Words("en")
SURE = 0.80
ALL = Scope("li", "supervisor")
PATROL, ROUTES, GUARDS = "daily_fire_patrol_rate", "escape_routes_clear", "guards_certified"


def unit(**given) -> dict:
    return {"period": "2026Q3", "final": 71.6, "score": 71.6, "cap": None, "cap_reason": None} | given


def change(final=71.6, then=68.0, sd=1.0, then_sd=1.0, **points) -> pl.DataFrame:
    """The lines of a change; ``points`` by metric or line."""
    rows = [{"part": "metric", "item": item, "points": p} for item, p in points.items()]
    numbers = {"final": final, "sd": sd, "then_final": then, "then_sd": then_sd}
    return pl.DataFrame([row | numbers | {"since": "2026Q2"} for row in rows])


def test_the_two_costliest_metrics_are_named_costliest_first():
    lost = [(PATROL, -1.2), (ROUTES, -6.4), (GUARDS, -3.0), ("fires_per_1000_homes", 0.0)]
    assert costliest(lost) == [(ROUTES, -6.4), (GUARDS, -3.0)]
    said = estate_sentence(unit(), lost, pl.DataFrame(), SURE, ZH)
    assert said.startswith("2026年第3季度指数 71.6 分。失分最多的是")
    assert said.index(ZH(f"metric.{ROUTES}.name")) < said.index(ZH(f"metric.{GUARDS}.name"))
    assert "6.4" in said and ZH(f"metric.{PATROL}.name") not in said


def test_a_full_score_names_nothing_lost():
    assert estate_sentence(unit(final=99.99, score=99.99), [(PATROL, -0.01)], pl.DataFrame(), SURE, EN).endswith(
        "Hardly any metric costs anything."
    )


def test_a_change_names_what_did_most_to_bring_it_about():
    # up 3.6 with sd sqrt 2: z = 2.5; the largest line points down, so the largest upward one is named
    moved = change(**{PATROL: -5.0, ROUTES: 4.6, GUARDS: 4.0})
    said = estate_sentence(unit(), [], moved, SURE, EN)
    assert "Up 3.6 points" in said and "4.6 points" in said and EN(f"metric.{ROUTES}.name") in said
    assert EN(f"metric.{PATROL}.name") not in said


def test_a_change_within_its_error_is_not_called_one():
    # up 1.0 with sd sqrt(4 + 4) = 2.83: P = .638
    moved = change(final=69.0, then=68.0, sd=2.0, then_sd=2.0, **{PATROL: 1.0})
    assert not reliable(moved, SURE)
    assert "没有可靠的变化（+1.0 分" in estate_sentence(unit(final=69.0, score=69.0), [], moved, SURE, ZH)
    # down 2.4: z = .849, P = .802
    assert reliable(change(final=65.6, then=68.0, sd=2.0, then_sd=2.0, **{PATROL: -2.4}), SURE)


def test_a_cap_is_named_with_its_reasons_only_where_it_binds():
    capped = unit(final=59.0, cap=59.0, cap_reason="fatal_fire,low_safety")
    said = estate_sentence(capped, [], pl.DataFrame(), SURE, ZH)
    assert "封顶 59 分" in said and ZH("ladder.finding.fatal_fire") in said
    loose = unit(final=50.0, score=50.0, cap=59.0, cap_reason="fatal_fire")
    assert "封顶" not in estate_sentence(loose, [], pl.DataFrame(), SURE, ZH)


def test_a_line_beside_the_metrics_can_be_the_mover():
    assert mover([("cap", -9.0), (PATROL, -2.0), (ROUTES, 5.0)], -6.0) == ("cap", -9.0)
    assert item_word("cap", ZH) == "封顶的变化" and item_word(PATROL, ZH) == ZH(f"metric.{PATROL}.name")


def test_a_companys_sentence_names_its_costliest_estate_and_what_an_officer_may_see():
    company = {"period": "2026Q3", "final": 70.0, "mean": 74.0, "units_rated": 2}
    parts = pl.DataFrame({
        "estate_id": ["a", "b"], "name_zh": ["甲苑", "乙苑"], "name_en": ["A", "B"], "points_lost": [20.0, 6.0]
    })  # fmt: skip
    said = company_sentence(company, parts, ZH)
    assert "少计 4.0 分" in said and "其中甲苑一处占 20.0 分，为各小区之首" in said and "离满分差 26.0 分" in said
    assert "of the estates you may see, B takes most (6.0)" in company_sentence(company, parts[1:], EN)


def company_parts(**units: tuple[float, float]) -> pl.DataFrame:
    """``parts_of_company`` from unit to (share, score)."""
    return pl.DataFrame([
        {"unit_id": u, "estate_id": u, "share": w, "points_lost": w * (100 - s), "name_zh": f"{u}苑", "name_en": u.upper()}
        for u, (w, s) in units.items()
    ])  # fmt: skip


THEN = {"final": 70.0, "mean": 70.0, "sd": 1.0, "period": "2026Q2", "units_rated": 2}
NOW = {"final": 65.0, "mean": 67.6, "sd": 1.0, "period": "2026Q3", "units_rated": 3}
BEFORE, AFTER = company_parts(a=(0.5, 80), b=(0.5, 60)), company_parts(a=(0.4, 84), b=(0.4, 60), c=(0.2, 50))


def test_a_companys_change_is_that_of_its_estates_their_mix_and_its_guard():
    # a: (.5 + .4) / 2 x 4 = 1.8; mix: -.1 x 82 - .1 x 60 + .2 x 50 = -4.2; together 67.6 - 70; the guard takes 2.6 more
    lines = dict(company_change(NOW, AFTER, THEN, BEFORE).iter_rows())
    assert lines == pytest.approx({"a": 1.8, "b": 0, "c": 0, "mix": -4.2, "guard": -2.6})
    assert sum(lines.values()) == pytest.approx(65 - 70)


def test_a_companys_sentence_names_what_moved_it_most_or_that_nothing_surely_did():
    # down 5 with sd 1.41: sure; the mix did most of what goes down
    assert "Down 5.0 points" in company_sentence(NOW, AFTER, EN, (THEN, BEFORE, SURE))
    assert f"{EN('change.mix')} did most (4.2 points)" in company_sentence(NOW, AFTER, EN, (THEN, BEFORE, SURE))
    assert "影响最大的是小区进出和权重变化（4.2 分）" in company_sentence(NOW, AFTER, ZH, (THEN, BEFORE, SURE))
    # sd 10 each: z = .354, P .638
    loose = company_sentence(NOW | {"sd": 10.0}, AFTER, ZH, (THEN | {"sd": 10.0}, BEFORE, SURE))
    assert "没有可靠的变化（-5.0 分" in loose
    assert "上一季度" not in company_sentence(NOW, AFTER, ZH)


def test_an_estate_that_rose_most_is_named():
    now = NOW | {"final": 78.0, "mean": 78.0}
    said = company_sentence(now, company_parts(a=(0.5, 95), b=(0.5, 61)), EN, (THEN, BEFORE, SURE))
    assert "Up 8.0 points since the quarter before; A did most (7.5 points)." in said  # .5 x 15


@pytest.fixture(scope="module")
def con(demo_root):
    return editions.open_edition(editions.current(demo_root))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_estate_of_an_edition_has_a_true_sentence(con, language):
    t = Words(language)
    # independently, in SQL: the costliest metric, and the line that did most in the direction of the change
    truth = con.sql(
        """
        WITH worst AS (
            SELECT level, unit_id, period, arg_min(metric, points_lost) AS metric, min(points_lost) AS lost
            FROM metric_scores WHERE points_lost IS NOT NULL GROUP BY ALL
        ), moved AS (
            SELECT level, unit_id, period, sum(points) AS moved FROM changes WHERE part = 'metric' GROUP BY ALL
        ), most AS (
            SELECT c.level, c.unit_id, c.period, arg_max(c.item, abs(c.points)) AS item
            FROM changes AS c JOIN moved USING (level, unit_id, period)
            WHERE c.part = 'metric' AND c.points * moved.moved > 0 GROUP BY ALL
        )
        SELECT s.level, s.unit_id, s.period, worst.metric, worst.lost, most.item
        FROM index_scores AS s
        JOIN (SELECT period FROM edition) USING (period)
        JOIN worst USING (level, unit_id, period)
        LEFT JOIN most USING (level, unit_id, period)
        WHERE s.state <> 'not_rated' AND s.level = 'estate'
        """
    ).pl()
    assert truth.height > 30
    changed = 0
    for row in truth.iter_rows(named=True):
        asked = {"level": row["level"], "unit_id": row["unit_id"], "period": row["period"]}
        scores = files.metric_scores(ALL, con, **asked).filter(pl.col("points_lost").is_not_null())
        moved = reasons.change_of(ALL, con, **asked)
        said = estate_sentence(
            files.unit(ALL, con, **asked), scores.select("metric", "points_lost").rows(), moved, SURE, t
        )
        assert "{" not in said
        if row["lost"] < -0.05:
            assert t(f"metric.{row['metric']}.name") in said
        if moved.height and reliable(moved, SURE):
            changed += 1
            assert item_word(row["item"], t) in said
    assert changed > 0


def test_parts_of_every_company_sum_to_what_its_mean_lacks(con):
    worst, companies = con.sql(
        """
        SELECT max(abs(parts.lost - (100 - s.mean))), count(*)
        FROM company_scores AS s
        JOIN (SELECT party, party_id, period, sum(points_lost) AS lost FROM party_parts GROUP BY ALL) AS parts
          USING (party, party_id, period)
        """
    ).fetchall()[0]
    assert companies > 100 and worst < 1e-9


def test_lost_small_sample_and_cap_lines_sum_for_every_unit(con):
    lost, own, capped, units = con.sql(
        """
        SELECT max(abs(m.lost - (s.score - 100))), count(s.own_score), max(abs(s.final - least(s.score, s.cap))), count(*)
        FROM index_scores AS s
        JOIN (SELECT level, unit_id, period, sum(points_lost) AS lost FROM metric_scores GROUP BY ALL) AS m
          USING (level, unit_id, period)
        WHERE s.score IS NOT NULL
        """
    ).fetchall()[0]
    assert units > 1000 and own > 1000 and lost < 1e-9 and capped < 1e-9


def test_less_the_gap_every_unit_of_a_class_stands_at_the_same_level(con):
    # the class's index does not depend on who is compared with it, as long as the same metrics apply and earn points
    rows = con.sql(
        """
        SELECT s.period, s.estate_class, s.score - sum(m.gap_to_class) AS peers, count(*) AS metrics,
               string_agg(m.metric, ',' ORDER BY m.metric) AS asked
        FROM index_scores AS s JOIN metric_scores AS m USING (level, unit_id, period)
        WHERE s.score IS NOT NULL AND m.weight > 0 AND m.points IS NOT NULL
        GROUP BY s.level, s.unit_id, s.period, s.estate_class, s.score
        """
    ).pl()
    groups = rows.group_by("period", "estate_class", "asked").agg(
        units=pl.len(), apart=pl.col("peers").max() - pl.col("peers").min()
    )
    compared = groups.filter(pl.col("units") > 1)
    assert compared.height > 20 and compared["units"].max() > 10
    assert compared["apart"].max() < 1e-9


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_company_of_an_edition_has_a_true_sentence(con, language):
    t, period = Words(language), con.sql("SELECT period FROM edition").fetchall()[0][0]
    # independently, in SQL: the spell that takes most off, and whether the worst fifth holds the mean down
    truth = con.sql(
        """
        SELECT s.*, w.points_lost AS most, w.estate_id
        FROM company_scores AS s
        JOIN (FROM party_parts QUALIFY row_number() OVER (PARTITION BY party, party_id, period ORDER BY points_lost DESC) = 1)
          AS w USING (party, party_id, period)
        WHERE s.party = 'company' AND s.state = 'rated' AND s.period = (SELECT period FROM edition)
        """
    ).pl()
    assert truth.height > 5
    moved = 0
    for row in truth.iter_rows(named=True):
        parts = reasons.parts_of_company(ALL, con, company_id=row["party_id"], period=period)
        said = company_sentence(row, parts, t)
        assert "{" not in said and f"{row['final']:.1f}" in said
        assert f"{row['most']:.1f}" in said
        names = {parts.row(i, named=True)[f"name_{language}"] for i in range(parts.height)
                 if abs(parts["points_lost"][i] - row["most"]) < 1e-9}  # fmt: skip
        assert any(name is None or name in said for name in names)
        then = files.company(ALL, con, company_id=row["party_id"], period=SINCE)
        if then is not None and then["state"] == "rated":
            earlier = reasons.parts_of_company(ALL, con, company_id=row["party_id"], period=SINCE)
            moved += _told_truly(row, parts, then, earlier, t, con)
        held = row["mean"] - row["final"]
        assert (f"{held:.1f}" in said) or held <= 0.05
    assert moved > 0


SINCE = "2026Q2"


def _told_truly(row: dict, parts: pl.DataFrame, then: dict, earlier: pl.DataFrame, t: Words, con) -> bool:
    """Whether a sure change was told; its lines sum, and each estate's line is what SQL makes of the two periods."""
    lines = dict(company_change(row, parts, then, earlier).iter_rows())
    assert sum(lines.values()) == pytest.approx(row["final"] - then["final"], abs=1e-9)
    own = con.sql(
        """
        SELECT unit_id, (a.share + b.share) / 2 * (s.final - z.final) AS points
        FROM party_parts AS a JOIN party_parts AS b USING (party, party_id, unit_id)
        JOIN index_scores AS s ON s.level = 'tenure' AND s.unit_id = a.unit_id AND s.period = a.period
        JOIN index_scores AS z ON z.level = 'tenure' AND z.unit_id = a.unit_id AND z.period = b.period
        WHERE a.party = 'company' AND a.party_id = $id AND a.period = $now AND b.period = $since
        """,
        params={"id": row["party_id"], "now": row["period"], "since": SINCE},
    ).fetchall()
    assert all(lines[unit] == pytest.approx(points, abs=1e-9) for unit, points in own) and own
    said, change = company_sentence(row, parts, t, (then, earlier, SURE)), row["final"] - then["final"]
    along = {item: points for item, points in lines.items() if points * change > 0}
    if t("told.no_change", points=f"{change:+.1f}") in said:
        return False
    assert f"{max(map(abs, along.values())):.1f}" in said and f"{abs(change):.1f}" in said
    return True


def test_how_many_steps_rest_on_a_probability_and_how_many_are_expected_wrong(con):
    found = reasons.flagged(ALL, con)
    asked = "SELECT step, count(p), sum(1 - p) FROM due WHERE p IS NOT NULL GROUP BY step ORDER BY step"
    assert found.rows() == con.sql(asked).pl().rows() and found.height > 0
