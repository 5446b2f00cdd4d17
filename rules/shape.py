"""The shape of rule files: which keys each version of a rule holds, and of what kind; a new key is entered here too.

A mistake is told with the line it stands on, the key, and what is expected there. Inspection forms have a shape of their own
(``data/forms.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

NUMBER: dict[str, Any] = {"type": "number"}
TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
TEXTS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
YES_NO: dict[str, Any] = {"type": "boolean"}
HEADER = re.compile(r"^\s*\[(\[)?\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
SET = re.compile(r"""^\s*("[^"]*"|'[^']*'|[\w-]+)\s*=""")


def _each(kind: dict[str, Any], keys: str) -> dict[str, Any]:
    return dict.fromkeys(keys.split(), kind)


def _part(keys: dict[str, Any], optional: str = "", **more: dict[str, Any]) -> dict[str, Any]:
    known = {**keys, **more}
    needed = [k for k in known if k not in optional.split()]
    return {"type": "object", "properties": known, "required": needed, "additionalProperties": False}


def _any(kind: dict[str, Any]) -> dict[str, Any]:
    """A part whose keys are names: of metrics, steps, bodies."""
    return {"type": "object", "additionalProperties": kind, "minProperties": 1}


def _rule(keys: dict[str, Any], optional: str = "", **more: dict[str, Any]) -> Draft202012Validator:
    basis = {"enum": ["proposed"]}
    return Draft202012Validator(_part({"law": TEXT, "basis": basis, **keys}, f"basis {optional}", **more))


MEASURE = _part(_each(NUMBER, "units_min matters holds_from"), "holds_from")
MATTER = _part({"law": TEXTS, "body": TEXT})
INPUT = _part({**_each(NUMBER, "low high"), "scale": {"enum": ["log", "linear"]}})
GRANT = _part(_each(TEXT, "claim value role area_claim company_claim"), "area_claim company_claim")
BY_BANDS = (
    "attention_failing attention_low listing_failing interview_failing interview_half_years replacement_half_years"
)
BY_CHANCE = (
    "flag_q flag_p watch_p interview_p replacement_p replacement_periods replacement_rose_below exit_p robust_share top_subindex "
    "improver_quarters improver_least_class"
)
METRIC_MORE = (
    "limit_days limit_hours most highrise_daily highrise_steps life_threatening severe moderate low unstated drills_per_year "
    "unverified_counts window_days handover_days signatures_asked usual_checks_min general key major least_share least_forms "
    "residents_min"
)
#: Numbers of single checks, which a version may lack where it does not know the check.
CHECKS_MORE = (
    "contract_days split_pieces burst_minutes burst_records month_least usual_cv_least photo_bits photo_bits_least"
)
METRIC = _rule(
    {**_each(NUMBER, f"fail minimum target best weight {METRIC_MORE}"), "subindex": TEXT, "note": TEXT, "law_zh": TEXT},
    f"note law_zh {METRIC_MORE}",
)
SHAPES: dict[str, Draft202012Validator] = {
    "adjustments": _rule(
        {},
        "closings",
        closings=_part(_each(NUMBER, "picked_min"), apply=YES_NO),
        inspectors=_part(_each(NUMBER, "estates_min rounds"), apply=YES_NO),
        reporting=_part(_each(NUMBER, "least most open_days_max"), apply=YES_NO),
    ),
    "audit": _rule(
        _each(NUMBER, "z q units_min units_weak slope_least slope_most consistency_slack wrong_within wrong_below"),
        measures=_any(MEASURE),
    ),
    "caps": _rule(
        {},
        fatal_fire=_part(_each(NUMBER, "cap months")),
        systems_disabled=_part(_each(NUMBER, "cap days_after_repair")),
        routes_blocked=_part(_each(NUMBER, "cap times within_months months")),
        records_falsified=_part(_each(NUMBER, "cap months")),
        low_safety=_part(_each(NUMBER, "cap below p"), subindices=TEXTS),
        low_subindex=_part(_each(NUMBER, "cap below p")),
    ),
    "cases": _rule(
        _each(
            NUMBER,
            "interview_within_days listed_months listed_at_most_months watch_months honours_barred_months review_within_days "
            "sue_within_months",
        ),
        **_each(TEXTS, "two_people issues_bulletins"), **_each(_any(TEXTS), "prepares decides"),
        **_each(_any(NUMBER), "object_days days"), law_of=_any(TEXT),
    ),
    "checks": _rule(
        _each(
            NUMBER,
            "q quarters long_quarters tail calls_min caller_share day_min pairs_min handover_quarters open_days_max late_days "
            "records_min last_days drills_min digits_min hazards_min again_days batch_days text_min alike mark bin bin_min "
            "watched_months past_months usual_least raised false_alarm_months incidents_min "
            f"{CHECKS_MORE}",
        ),
        CHECKS_MORE,
    ),
    "deliveries": _rule(
        _each(
            NUMBER,
            "history history_least few_rows set_aside_told set_aside_waits count_times future_waits gap_told gap_waits gap_usual "
            "overlap_waits shift_told shift_waits shift_history shift_rows shift_units shift_chance shift_sample shift_values late_times "
            "late_days",
        )
    ),
    "index": _rule(
        _each(
            NUMBER,
            "window_quarters half_life_months history_quarters grace_days missing_month_expected_min season_cv season_years_min "
            "season_events_min dispersion_rows_min dispersion_least dispersion_most rho floor class_pooled_below "
            "class_blended_below winsorise cv_floor cv_ceiling rho_floor rho_ceiling pair_units_min coverage_min sources_min "
            "inspection_months tenure_min_days draws prior_draws order_sure change_sure third_sure interval_z rank_coverage "
            "reliability_rated reliability_provisional reliability_class_min min_class_shown withheld_points withheld_days "
            "tail_guard worst_share company_min_units company_min_years head_min_days company_sd_factor weight_cap_quantile",
        ),
        period=TEXT, company_counts=TEXTS, **_each(_any(NUMBER), "weights bands size_bands"),
    ),
    "ladder": _rule(
        _each(
            NUMBER,
            f"{BY_BANDS} {BY_CHANCE} half_year_quarters commendation_half_years evidence_kinds evidence_below "
            "attention_ends_after honours_barred_months",
        ),
        f"{BY_BANDS} {BY_CHANCE} basis_of_zh",
        reading={"enum": ["bands", "probability"]}, relapse_needs_no_reminder=YES_NO,
        **_each(TEXTS, "never_suffice skip_findings grave_findings"), **_each(_any(NUMBER), "missed_below stands_months"),
        **_each(_any(TEXT), "hazard_metrics basis_of basis_of_zh"),
    ),
    "linkage": _rule(_each(NUMBER, "links margin asks same_place")),
    "matters": _rule(_each(_any(MATTER), "rectification referral advice")),
    "outbox": _rule(
        _each(
            NUMBER,
            "first_wait_minutes wait_factor longest_wait_minutes attempts_at_most lease_minutes command_seconds "
            "last_word_seconds late_after_minutes",
        )
    ),
    "papers": _rule(
        {**_each(TEXT, "number number_en draft draft_en extract extract_en mark mark_en"), "annex_rows": NUMBER},
        **_each(TEXTS, "extracts laws_here"), **_each(_any({"type": "string"}), "office remedy letter letter_en"),
        cites=_any(TEXTS),
    ),
    "record_flags": _rule(_each(NUMBER, "late_days repeat_days text_min alike")),
    "roles": _rule({}, grant={"type": "array", "items": GRANT, "minItems": 1}),
    "sensitivity": _rule(
        _each(
            NUMBER,
            "points alone_points weight_sets weight_noise rank_coverage resamples index_coverage robust_share flag_q flag_p "
            "correlation_high correlation_low correlation_units",
        ),
        inputs=_any(INPUT),
    ),
    "views": _rule(
        _each(NUMBER, "least_others reason_letters least_count"), "least_count", reason_of=TEXTS, tables=_any(_part(_each(YES_NO, "reason party")))
    ),
}  # fmt: skip


def shape_of(name: str) -> Draft202012Validator | None:
    """The shape of a rule's versions; None where it has none here."""
    return METRIC if name.startswith("metrics/") else SHAPES.get(name)


def mistakes(name: str, block: int, values: dict[str, Any], text: str) -> Iterator[str]:
    """What is wrong with one version of a rule: line, key, and what is expected there.

    Args:
        block: which [[in_force]] block of the file, from 1. values: without ``from``.
    """
    shape = shape_of(name)
    for error in sorted(shape.iter_errors(values), key=lambda e: [str(p) for p in e.absolute_path]) if shape else ():
        path, said = [*error.absolute_path], error.message[:160]
        for key in _named(error):
            place = [*path, *key]
            told = ".".join(str(p + 1) if isinstance(p, int) else p for p in place) or "the block"
            yield f"line {line_of(text, block, place)}, {told}: {_words(error, key) or said}."


def _named(error) -> list[list[str]]:
    """The keys an error is about, one by one, below where it stands; ``[[]]`` where it is about the value there."""
    have = error.instance if isinstance(error.instance, dict) else {}
    if error.validator == "required":  # one error for each key
        return [[k] for k in error.validator_value if k not in have and f"'{k}'" in error.message]
    if error.validator == "additionalProperties":
        return [[k] for k in have if k not in error.schema["properties"]]
    return [[]]


def _words(error, key: list[str]) -> str:
    if error.validator == "required":
        return "missing; every version repeats every number"
    if error.validator == "additionalProperties":
        return "no such key here; a new one is entered in rules/shape.py"
    return ""


def line_of(text: str, block: int, path: list[Any]) -> int:
    """The line that sets a key of a version; where it stands nowhere, the line of the part it belongs to."""
    best, deepest = 1, -1
    for number, where in places(text):
        if where[0] != block:
            continue
        common = 0
        for a, b in zip(where[1], path, strict=False):
            if a != b:
                break
            common += 1
        if common == len(where[1]) and common > deepest:
            best, deepest = number, common
    return best


def places(text: str) -> Iterator[tuple[int, tuple[int, list[Any]]]]:
    """(line, (block, path)) of every header and every key of a rule file; blocks count from 1, rows of a list from 0."""
    block, base, rows = 0, list[Any](), dict[str, int]()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := HEADER.match(line):
            parts = [p.strip().strip("\"'") for p in header[2].split(".")]
            if parts[0] != "in_force":
                continue
            if header[1] and len(parts) == 1:
                block, rows = block + 1, {}
            base = list(parts[1:])
            if header[1] and base:
                rows[header[2]] = rows.get(header[2], -1) + 1
                base.append(rows[header[2]])
            yield number, (block, base)
        elif key := SET.match(line):
            yield number, (block, [*base, key[1].strip("\"'")])
