"""One paper of each kind about invented parties: company `acme` (晨光物业), estates `oak` (橡树花园) and `elm` (榆苑)."""

from __future__ import annotations

from datetime import UTC, date, datetime

from cases.papers import shapes as s
from cases.papers.shapes import Both

OFFICE = s.Office(
    name=Both("示范区物业管理督导办公室", "Property Supervision Office of Example District"),
    address=Both("示范区人民路1号", "1 Renmin Road, Example District"),
    contact=Both("周敏", "Zhou Min"),
    phone="0755-0000 0001",
)
DECIDER = s.Person(name=Both("李卫东", "Li Weidong"), title=Both("督导科科长", "Head of supervision"))
PREPARER = s.Person(name=Both("王芳", "Wang Fang"), title=Both("督导科主办", "Case officer"))
INSPECTORS = (
    s.Person(
        name=Both("赵强", "Zhao Qiang"),
        title=Both("消防监督员", "Fire supervision officer"),
        certificate="示执法-2024-0117",
    ),
    s.Person(
        name=Both("孙丽", "Sun Li"),
        title=Both("消防监督员", "Fire supervision officer"),
        certificate="示执法-2023-0082",
    ),
)
ACME = s.Party(
    company=Both("晨光物业服务有限公司", "Chenguang Property Services Ltd"),
    code="91440300MA5EXAMP1X",
    estate=Both("橡树花园", "Oak Garden"),
    head=Both("陈建国", "Chen Jianguo"),
)
EDITION = s.Edition(
    edition_id="2026Q3-0001",
    period=Both("2026年第三季度", "third quarter of 2026"),
    rulebook="9f2c4be1a07d53c86e1f0b2a94d7c35e8a61b09f4c2d7e5380f1a6b2c4d8e901",
)
RULE = s.Rule(
    reason=Both(
        "该小区本期指数低于60分的概率为92%，且证据来自两类相互独立的指标。",
        "The index of the estate lies below 60 with a probability of 92%, and the evidence comes from two independent "
        "kinds of indicator.",
    ),
    name="rules/ladder.toml",
    since=date(2026, 7, 1),
)
FACTS = (
    s.Fact(
        label=Both("物业管理水平指数", "Property management index"),
        value="56.4",
        note=Both("90%区间 53.1–59.8；同类小区中位数 71.0", "90% interval 53.1-59.8; median of its class 71.0"),
    ),
    s.Fact(label=Both("低于合格线的概率", "Probability below the pass mark"), value="92%"),
    s.Fact(
        label=Both("每日防火巡查率", "Daily fire patrol rate"),
        value=Both("71.7%（66/92天）", "71.7% (66 of 92 days)"),
        note=Both("法定要求：每日巡查并记录", "Duty: daily, with a record"),
    ),
)
CHART = tuple(
    s.Point(label=label, score=score, low=low, high=high)
    for label, score, low, high in (
        ("2025Q1", 66.2, 62.0, 70.4), ("2025Q2", 64.9, 61.0, 68.8), ("2025Q3", None, None, None),
        ("2025Q4", 61.3, 57.9, 64.6), ("2026Q1", 60.2, 57.0, 63.5), ("2026Q2", 57.8, 54.4, 61.3),
        ("2026Q3", 56.4, 53.1, 59.8),
    )
)  # fmt: skip
RECORDS = tuple(
    s.Record(
        record_id=f"FP-2026-{i:04d}",
        on=date(2026, 8, 1 + i % 28),
        duty=Both("每日防火巡查率", "Daily fire patrol rate"),
        what=Both("当日无签字的防火巡查记录", "No signed fire patrol on that day"),
        counts=Both("计入", "counted") if i % 7 else Both("未计入：异议审查中", "not counted: objection open"),
        file="fire_patrols_2026Q3.csv",
        line=100 + i,
    )
    for i in range(1, 27)
)
OBJECTION = s.Objection(
    until=date(2026, 11, 30),
    how=Both(
        "可以在本系统的“我的评分卡”页面提出，也可以书面提交至本机关（地址见落款）。请写明有异议的记录编号和理由，可附证明材料。",
        "On the page “My scorecard” of the system, or in writing to the address below. Name the records you dispute and "
        "why; proof may be attached.",
    ),
    effect=Both(
        "收到异议即作标注；异议未办结前，所涉记录不作为升级处理的依据。",
        "An objection is marked as soon as it arrives; while it is open the records it names do not count towards any "
        "further step.",
    ),
)
TASKS = (
    s.Task(
        what=Both("恢复每日防火巡查并签字留存", "Take up the daily fire patrol again, signed"),
        measure=Both(
            "连续30日每日有签字记录，随机抽查3日属实", "30 days in a row with a signed record; 3 days sampled hold true"
        ),
        by=date(2026, 12, 31),
    ),
    s.Task(
        what=Both("清理2栋、5栋疏散通道堆放物", "Clear the escape routes of blocks 2 and 5"),
        measure=Both("复查时疏散通道检查项全部合格", "All escape-route items pass at re-inspection"),
        by=date(2026, 12, 15),
    ),
)
LISTED = Both("物督督〔2026〕3号", "WD L [2026] No. 3")
COMMON = {
    "issued_on": date(2026, 11, 23), "office": OFFICE, "signed_by": DECIDER, "case_id": "C-2026-0042", "demo": True,
}  # fmt: skip
STEP = {
    "to": ACME, "edition": EDITION, "rule": RULE, "facts": FACTS,
    "for_party": (
        Both("2026年9月自查发现并上报隐患3处，均已整改。", "Found and reported 3 hazards itself in September 2026; all put right."),
    ),
    "open_objections": (),
    "officer_reason": Both(
        "已逐条核对巡查记录原件，缺记情况属实；该单位上季度曾口头提醒。",
        "The original patrol records were checked one by one and the gaps confirmed; the company was reminded by word last "
        "quarter.",
    ),
    "chart": CHART, "pass_mark": 60.0, "records": RECORDS, "records_total": 26, "objection": OBJECTION,
}  # fmt: skip


def attention(**changes) -> s.Attention:
    given = COMMON | STEP | {
        "sequence": 7, "asked": TASKS, "clean_periods": 1, "stands_until": date(2027, 11, 22),
        "grounds": ("HR5 34", "FL 28"),
    }  # fmt: skip
    return s.Attention(**(given | changes))


def listing(**changes) -> s.Listing:
    given = COMMON | STEP | {
        "sequence": 3, "targets": TASKS, "publish_from": date(2026, 12, 1),
        "publish_at": Both("区政府网站“物业督导”专栏", "district website, section “Property supervision”"),
        "listed_until": date(2027, 5, 31), "extension_asked_by": date(2027, 4, 30),
        "honours_barred_until": date(2027, 6, 7), "honours_missed_until": date(2028, 5, 31), "grounds": ("HR5 34",),
    }  # fmt: skip
    return s.Listing(**(given | changes))


def interview(**changes) -> s.Interview:
    given = COMMON | STEP | {
        "sequence": 2, "at": datetime(2026, 11, 27, 6, 30, tzinfo=UTC),  # 14:30 on the district's clock
        "place": Both("区政府3号楼204会议室", "Room 204, Building 3, district government"),
        "called": (
            s.Person(name=Both("林海", "Lin Hai"), title=Both("公司主要负责人", "Principal of the company")),
            s.Person(name=ACME.head, title=Both("橡树花园物业管理处负责人", "Office head at Oak Garden")),
        ),
        "purpose": Both("核实挂牌事项未按期完成的原因，确定整改措施和期限。", "To hear why the listed targets were missed, and to settle measures and dates."),
        "bring": (Both("2026年7月至11月防火巡查原始记录", "Original fire patrol records, July to November 2026"), Both("挂牌事项整改情况说明", "A statement on the listed targets")),
        "may_bring": (Both("律师等委托代理人", "Counsel or another representative"), Both("业主委员会代表", "A representative of the owners' committee")),
    }  # fmt: skip
    return s.Interview(**(given | changes))


def minutes(**changes) -> s.Minutes:
    given = COMMON | {
        "sequence": 2, "to": ACME, "invitation": Both("物督约〔2026〕2号", "WD I [2026] No. 2"),
        "began": datetime(2026, 11, 27, 6, 30, tzinfo=UTC), "ended": datetime(2026, 11, 27, 7, 45, tzinfo=UTC),
        "place": Both("区政府3号楼204会议室", "Room 204, Building 3, district government"),
        "officers": (DECIDER, PREPARER),
        "present": (
            s.Person(name=Both("林海", "Lin Hai"), title=Both("公司主要负责人", "Principal of the company")),
            s.Person(name=ACME.head, title=Both("橡树花园物业管理处负责人", "Office head at Oak Garden")),
        ),
        "put": (
            Both("2026年第三季度每日防火巡查66天，缺26天。", "Third quarter of 2026: fire patrols on 66 days, none on 26."),
            Both("挂牌事项第二项逾期未完成。", "The second listed target was not met in time."),
        ),
        "said": (
            s.Said(speaker=Both("林海（公司）", "Lin Hai (company)"), words=Both("8月更换巡查系统，部分纸质记录未上传，现已带来原件。", "The patrol system was replaced in August; some paper records were not uploaded. The originals are here.")),
            s.Said(speaker=Both("陈建国（管理处）", "Chen Jianguo (office)"), words=Both("5栋堆放物属业主个人物品，已两次书面劝阻。", "What blocks the route in block 5 belongs to owners; they were asked twice in writing to remove it.")),
        ),
        "undertakings": TASKS, "recorder": PREPARER, "result_by": date(2026, 12, 4), "objection": OBJECTION,
    }  # fmt: skip
    return s.Minutes(**(given | changes))


def recommendation(**changes) -> s.Recommendation:
    given = COMMON | STEP | {
        "sequence": 1, "heard_on": date(2026, 11, 18),
        "head_said": Both("承认巡查安排不力；认为5栋通道问题责任在业主。", "Accepts that patrols were badly organised; holds that the owners answer for the route in block 5."),
        "prepared_by": PREPARER, "answer_by": date(2026, 12, 7), "grounds": ("HR5 34",),
    }  # fmt: skip
    return s.Recommendation(**(given | changes))


def rectification(**changes) -> s.Rectification:
    given = COMMON | {
        "sequence": 18, "to": ACME, "found_on": date(2026, 11, 20), "visit": "V-2026-0311", "officers": INSPECTORS,
        "hazards": (
            s.Hazard(
                hazard_id="HZ-2026-0901", what=Both("疏散通道被杂物占用", "Escape route blocked by stored goods"),
                where=Both("5栋3层至6层楼梯间", "Block 5, stairwell, floors 3 to 6"), severity=Both("一般", "general"),
                law="FL 28", responsible=Both("物业服务企业（共用部位）", "Property company (shared parts)"),
                interim=Both("专人每日巡查，出口保持常开", "Daily watch by a named person; exits kept open"),
                due_on=date(2026, 12, 4),
            ),
            s.Hazard(
                hazard_id="HZ-2026-0902", what=Both("消防控制室夜班单人值守", "One person only in the fire control room at night"),
                where=Both("消防控制室", "Fire control room"), severity=Both("严重", "serious"), law="HR5 26",
                responsible=Both("物业服务企业", "Property company"),
                interim=Both("即日起夜班增派一人", "A second person on nights from today"), due_on=date(2026, 11, 30),
            ),
        ),
        "reinspect_on": date(2026, 12, 7), "review_body": Both("示范区人民政府", "People's Government of Example District"),
        "review_until": date(2027, 1, 22), "court": Both("示范区人民法院", "People's Court of Example District"),
        "sue_until": date(2027, 5, 23), "grounds": ("FL 28", "HR5 26"),
    }  # fmt: skip
    return s.Rectification(**(given | changes))


def referral(**changes) -> s.Referral:
    given = COMMON | {
        "sequence": 5, "to": ACME, "body": Both("消防救援机构", "Fire and rescue authority"),
        "matter": "3栋消防车通道被占用", "matter_kind": Both("消防设施、通道和隐患", "Fire equipment, routes and hazards"),
        "found": Both("2026年11月18日、20日两次检查，通道内停放车辆，经口头通知未驶离。", "At two visits on 18 and 20 November 2026 cars stood in the lane and were not moved after a word."),
        "officer_reason": Both("经现场通知仍未改正。", "Not put right after notice on the spot."), "follow_up": date(2026, 12, 21),
        "objection": STEP["objection"], "grounds": ("FL 60", "GDF 44"),
    }  # fmt: skip
    return s.Referral(**(given | changes))


def advice(**changes) -> s.Advice:
    given = COMMON | {
        "sequence": 2, "to": ACME, "body": Both("业主大会、业主委员会", "Owners' assembly and owners' committee"),
        "matter": "消防水泵需要大修", "matter_kind": Both("共用设施维修", "Repair of shared equipment"),
        "found": Both("检测报告显示两台水泵不能启动。", "A test report says that two pumps do not start."),
        "officer_reason": Both("维修费用依法由业主承担。", "By law the owners pay for the repair."), "follow_up": date(2026, 12, 21),
        "objection": STEP["objection"], "grounds": ("HR5 33",),
    }  # fmt: skip
    return s.Advice(**(given | changes))


def appeal(**changes) -> s.AppealDecision:
    given = COMMON | {
        "sequence": 4, "to": ACME, "against": LISTED, "lodged_on": date(2026, 11, 12),
        "claim": Both("请求排除属于业主专有部分的隐患2条，并重新计算。", "Leave out two hazards in owners' flats and compute again."),
        "first_decided_by": PREPARER,
        "findings": (
            s.Finding(record_id="HZ-2026-0711", claim=Both("隐患位于业主专有部分", "The hazard lies in an owner's flat"), decision=Both("改列业主责任，不计入", "Moved to the owner; not counted"), reason=Both("现场照片与房屋平面图一致", "Photographs agree with the plan of the flat")),
            s.Finding(record_id="HZ-2026-0715", claim=Both("隐患位于业主专有部分", "The hazard lies in an owner's flat"), decision=Both("维持计入", "Stays counted"), reason=Both("位于公共走廊，属共用部位", "It lies in the shared corridor")),
        ),
        "edition": EDITION,
        "before": s.Outcome(score=56.4, low=53.1, high=59.8, band=Both("不合格", "failing"), rank=61, ranked=64, step=Both("挂牌督办", "listing")),
        "after": s.Outcome(score=61.2, low=57.6, high=64.9, band=Both("关注", "attention"), rank=52, ranked=64, step=Both("关注提醒", "attention letter")),
        "outcome": "partly",
        "reason": Both("一条记录的责任主体有误，更正后未达到挂牌督办条件。", "One record named the wrong responsible party; corrected, the condition for a listing does not hold."),
        "consequences": (
            Both("撤销物督督〔2026〕3号告知书，三日内通知所有已被告知的单位。", "Notice WD L [2026] No. 3 is withdrawn; everyone who was told is notified within three days."),
            Both("生成更正后的评分版本2026Q3-0002。", "A corrected edition 2026Q3-0002 is made."),
        ),
        "objection": s.Objection(
            until=date(2027, 1, 22),
            how=Both("对本决定不服的，可以依法申请行政复议或者提起行政诉讼。", "Whoever does not accept this decision may ask for administrative review or bring a suit, as the law provides."),
            effect=Both("复议或者诉讼期间，所涉事项继续标注，不计入升级。", "Meanwhile the item stays marked and does not count towards any further step."),
        ),
    }  # fmt: skip
    return s.AppealDecision(**(given | changes))


def withdrawal(**changes) -> s.Withdrawal:
    given = COMMON | {
        "sequence": 1, "to": ACME, "withdrawn": LISTED, "withdrawn_title": Both("挂牌督办告知书", "Notice before supervised listing"),
        "withdrawn_issued_on": date(2026, 11, 5), "decided_on": date(2026, 11, 23),
        "reasons": (Both("经申诉查明，记录HZ-2026-0711的责任主体为业主。", "On appeal, record HZ-2026-0711 was found to be the owner's responsibility."),),
        "corrected_edition": "2026Q3-0002", "display_ends_on": date(2026, 11, 24),
        "objection": OBJECTION, "told": (Both("橡树花园业主委员会", "Owners' committee of Oak Garden"), Both("东门街道办事处", "Dongmen sub-district office")),
    }  # fmt: skip
    return s.Withdrawal(**(given | changes))


def closure(**changes) -> s.Closure:
    given = COMMON | {
        "sequence": 5, "to": ACME, "how": "rectified", "closes": Both("物督督〔2026〕2号", "WD L [2026] No. 2"), "opened_on": date(2026, 5, 11),
        "shown": (
            s.Shown(target=TASKS[0].what, evidence=Both("9月1日至30日签字记录齐全，抽查3日属实", "Signed records for 1 to 30 September complete; 3 days sampled held true"), on=date(2026, 10, 12), checked_by=Both("赵强、孙丽", "Zhao Qiang, Sun Li")),
            s.Shown(target=TASKS[1].what, evidence=Both("复查疏散通道12项全部合格", "All 12 escape-route items passed"), on=date(2026, 11, 16), checked_by=Both("赵强、孙丽", "Zhao Qiang, Sun Li")),
        ),
        "reinspected_on": date(2026, 11, 16), "officers": INSPECTORS, "watch_until": date(2027, 5, 15),
        "relapse": Both("观察期内同类问题再次发生的，可以不经关注提醒直接恢复挂牌督办的建议。", "If the same problem returns during the watch, a listing may be proposed again without an attention letter."),
        "display_ends_on": date(2026, 11, 27), "objection": OBJECTION,
    }  # fmt: skip
    return s.Closure(**(given | changes))


def commendation(**changes) -> s.Commendation:
    given = COMMON | {
        "sequence": 9,
        "to": s.Party(company=ACME.company, code=ACME.code, estate=Both("榆苑", "Elm Court"), head=Both("何静", "He Jing")),
        "edition": EDITION,
        "rule": s.Rule(reason=Both("该小区连续两个半年位于最高等级，无未履行义务，数据经核验。", "The estate stood in the top band for two half-years in a row, with no unmet duty and verified data."), name="rules/ladder.toml", since=date(2026, 7, 1)),
        "facts": (s.Fact(label=Both("物业管理水平指数", "Property management index"), value="93.2", note=Both("90%区间 91.0–95.3", "90% interval 91.0-95.3")),),
        "officer_reason": Both("现场核验演练记录与视频一致。", "Drill records agree with the videos."),
        "chart": tuple(s.Point(label=f"2026Q{i}", score=90.5 + i, low=88.0 + i, high=93.0 + i) for i in (1, 2, 3)),
        "pass_mark": 60.0, "records": RECORDS[:5], "records_total": 5, "shown_from": date(2026, 11, 24),
        "shown_until": date(2026, 11, 30), "decline_by": date(2026, 11, 30),
        "effect": Both("下一年度可以减少例行检查次数。", "Routine inspections may be fewer next year."),
        "objection": s.Objection(until=date(2026, 11, 30), how=Both("公示期内任何人可以书面反映情况。", "Anyone may write to the office while this is shown."), effect=Both("反映属实的，暂缓表彰。", "Where what is written proves true, the award waits.")),
    }  # fmt: skip
    return s.Commendation(**(given | changes))


REPLY = s.Reply(
    about=Both("橡树花园", "Oak Garden"), on=date(2026, 11, 25), words="逾期隐患在业主家中，已三次书面催告。"
)
BANDS = (
    Both("优秀", "excellent"), Both("良好", "good"), Both("关注", "attention"), Both("不合格", "failing"), Both("未评级", "not rated"),
)  # fmt: skip


def bulletin(**changes) -> s.Bulletin:
    given = COMMON | {
        "sequence": 3, "edition": EDITION, "estates": 214, "companies": 38, "households": 128_540, "bands": BANDS,
        "by_area": (
            s.BandCount(group=Both("东门街道", "Dongmen"), counts=(12, 40, 18, 4, 3)),
            s.BandCount(group=Both("桂园街道", "Guiyuan"), counts=(9, 51, 22, 2, 5)),
            s.BandCount(group=Both("全区", "Whole district"), counts=(33, 109, 53, 9, 10)),
        ),
        "chart": tuple(s.Point(label=f"2025Q{i}", score=74.0 + i / 3) for i in (1, 2, 3, 4)), "pass_mark": 60.0,
        "ranking": (
            *(
                s.Ranked(rank=i, company=Both(f"第{i}物业服务有限公司", f"Property Company No. {i}"), score=95.0 - i, low=92.0 - i, high=97.5 - i, rank_low=max(1, i - 3), rank_high=min(36, i + 4), band=BANDS[min(3, i // 10)], estates=3 + i % 7)
                for i in range(1, 37)
            ),
            s.Ranked(rank=None, company=Both("新来物业服务有限公司", "Newcomer Property Ltd"), score=None, low=None, high=None, rank_low=None, rank_high=None, band=BANDS[4], estates=1),
        ),
        "listings": (s.Entry(party=Both("橡树花园（晨光物业服务有限公司）", "Oak Garden (Chenguang Property Services Ltd)"), detail=Both("物督督〔2026〕3号", "WD L [2026] No. 3"), on=date(2026, 12, 1), until=date(2027, 5, 31)),),
        "commendations": (),
        "notes": (Both("10个小区因资料不足未评级，不排在末位。", "10 estates are not rated for lack of records; they do not stand last."),),
        "replies": (REPLY,),
        "objection": Both("对本企业的评价有异议的，可以随时在系统内或者书面向本机关提出；收到即作标注。", "A company may object to its evaluation at any time, in the system or in writing; an objection is marked on arrival."),
    }  # fmt: skip
    return s.Bulletin(**(given | changes))


def scorecard(**changes) -> s.Scorecard:
    given = COMMON | {
        "sequence": None, "to": s.Party(company=ACME.company, code=ACME.code), "edition": EDITION,
        "told": Both("本期得分62.5分，失分最多的是橡树花园。", "The score is 62.5; Oak Garden costs most."),
        "facts": (
            s.Fact(label=Both("得分", "Score"), value="62.5", note=Both("90%区间 59.9–65.2", "90% interval 59.9-65.2")),
            s.Fact(label=Both("名次", "Rank"), value="31 / 36", note=Both("可信范围 26–34", "rank set 26-34")),
        ),
        "chart": CHART, "pass_mark": 60.0,
        "bars": (
            s.Bar(label=Both("消防", "Fire"), points=55.0, median=72.4), s.Bar(label=Both("隐患整改", "Rectification"), points=81.2, median=77.0),
            s.Bar(label=Both("治安", "Security"), points=90.0, median=None),
        ),
        "units": (
            s.Unit(estate=Both("橡树花园", "Oak Garden"), score=56.4, low=53.1, high=59.8, band=BANDS[3], place="61 / 64", households=860),
            s.Unit(estate=Both("榆苑", "Elm Court"), score=None, low=None, high=None, band=BANDS[4], place="—", households=212),
        ),
        "lifts": (Both("每日防火巡查率：恢复每日巡查，最多可提高6.3分。", "Daily fire patrol rate: patrolling every day would lift the score by up to 6.3."),),
        "replies": (REPLY,),
        "objection": Both("可以在“我的评分卡”页面对任何一条记录提出异议；收到即作标注。", "Object to any record on the page “My scorecard”; it is marked on arrival."),
    }  # fmt: skip
    return s.Scorecard(**(given | changes))


SAMPLES = {
    made.kind: made
    for made in (
        attention(), listing(), interview(), minutes(), recommendation(), rectification(), referral(), advice(), appeal(), withdrawal(),
        closure(), commendation(), bulletin(), scorecard(),
    )
}  # fmt: skip
