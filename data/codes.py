"""Code lists of the records (domain.md sections 7 and 9). Words for each stand in ``i18n/*/codes.toml``."""

ESTATE_CLASSES = ("HR", "SH", "MR", "OD", "UV", "MX", "NP")
AREA_KINDS = ("subdistrict", "station")
INSPECTION_KINDS = ("routine", "case", "campaign", "joint", "night", "reinspection", "self_check")
INSPECTION_TRIGGERS = ("routine", "follow_up", "complaint")
BODIES = ("police", "fire", "housing", "subdistrict", "company")
#: What one inspection item looks at; the first three feed F13, F14 and S01.
ITEM_CODES = (
    "escape_routes",
    "fire_equipment",
    "guards_certified",
    "control_room",
    "fire_doors",
    "ebike_charging",
    "hot_work_gas",
    "video_retention",
    "access_control",
    "files_and_plans",
    "building_condition",
)
#: Severity of what failed, after HUD NSPIRE's four steps (method.md F3).
SEVERITIES = ("low", "moderate", "severe", "life_threatening")
HAZARD_TYPES = (
    "escape_route",
    "fire_equipment",
    "control_room",
    "ebike",
    "fire_electric_gas",
    "gas",
    "facade_insulation",
    "shaft_sealing",
    "falling_object",
    "security_equipment",
    "guard_management",
    "rental",
    "management_system",
)
#: Hazard types a police security notice is about (INT 16).
SECURITY_HAZARD_TYPES = ("security_equipment", "guard_management", "rental")
HAZARD_SEVERITIES = ("general", "key", "major")
FOUND_BY = ("self", "police", "fire", "housing", "subdistrict", "complaint", "sensor")
PARTIES = ("company", "owner", "utility", "developer", "subdistrict")
OUTCOMES = ("pass", "fail")
CHANNELS = ("hotline", "police", "app", "web", "visit")
NATURES = ("complaint", "request", "question", "suggestion", "thanks", "report", "appeal", "other")
UPHELD = ("yes", "partly", "no")
DRILL_KINDS = ("evacuation", "firefighting", "full_element", "tabletop")
WITNESSES = ("fire", "police", "subdistrict", "none")
VERIFICATIONS = ("verified", "unverified", "rejected")
INCIDENT_KINDS = (
    "burglary",
    "vehicle_theft",
    "other_theft",
    "assault",
    "dispute",
    "fire",
    "falling_object",
    "noise",
    "telecom_fraud",
    "invalid",
)
#: Preventable cases of O01 (domain.md glossary 可防性案件).
PREVENTABLE_KINDS = ("burglary", "vehicle_theft")
INCIDENT_SEVERITIES = ("minor", "serious", "fatal")
CAUSES = ("shared_parts", "private_home", "arson", "outside", "unknown")
PATROL_KINDS = ("fire", "security")
PATROL_BY = ("guards", "volunteers")
SURVEY_QUESTIONS = ("overall", "safety", "order", "repairs", "cleaning", "response")
MEDIATION_OUTCOMES = ("settled", "failed", "referred")
SANCTION_KINDS = ("finding", "penalty", "attention", "listing", "interview", "replacement", "commendation")
SANCTION_PARTIES = ("company", "head", "estate")
SANCTION_SEVERITIES = ("minor", "general", "serious")
SANCTION_STATUSES = ("final", "appealed", "overturned")
#: Confirmed findings that cap a score (method.md section 5); caps and months stand in rules/caps.toml.
FINDINGS = ("fatal_fire", "systems_disabled", "routes_blocked", "records_falsified")

#: Levels units are scored at (data/edition_tables.py), and the parts of the index.
LEVELS = ("estate", "tenure", "head")
SUBINDICES = ("fire", "rectification", "drills", "security", "residents")
