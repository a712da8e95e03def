"""What the pages say, by key and language. zh first; English for those who do not read it."""

from __future__ import annotations

from typing import Literal

Language = Literal["zh", "en"]
ZH: Language = "zh"
EN: Language = "en"

# key: (Chinese, English); {names} are filled from a step's values.
STEPS: dict[str, tuple[str, str]] = {
    "weighed": ("称重 {weight}", "Weighed {weight}"),
    "saved": ("已存入设备日志，第 {seq} 条", "Saved in the box's journal as record {seq}"),
    "label_printed": ("标签已打印", "Label printed"),
    "label_failed": ("标签打印失败", "Label not printed"),
    "label_unknown": ("标签是否打印完整，未能确认", "Whether the label came out whole is not known"),
    "label_missing": ("尚未收到标签打印结果", "No word yet on the label's printing"),
    "reprint_asked": ("申请补打标签，第 {copy} 份", "Reprint asked for, copy {copy}"),
    "received": ("云端已收到并存档（回执）", "Received and stored by the collector (receipt)"),
    "flagged": ("已暂扣，未上报：{reason}", "Held back from the core: {reason}"),
    "released": ("经 {by} 核实放行", "Released to the core by {by}"),
    "rejected": ("经 {by} 核实作废，不再上报", "Rejected by {by}: it never goes to the core"),
    "held_back": ("尚未上报：记录待核实", "Not forwarded: the record must be looked into first"),
    "forward_missing": ("尚未上报监管平台", "Not yet forwarded to the core"),
    "sent": ("第 {number} 次上报，监管平台已应答", "Try {number}: the core answered"),
    "sent_unclear": (
        "第 {number} 次上报，结果不明，将自动再问",
        "Try {number}: no plain answer; it will be asked again",
    ),
    "core_accepted": ("监管平台已接收", "Accepted by the core"),
    "core_duplicate": ("监管平台已接收（此前已有同一条）", "Accepted by the core (it already held the same one)"),
    "core_refused": ("监管平台退回：{text}", "Refused by the core: {text}"),
    "core_missing": ("尚未得到监管平台的确认", "No acknowledgement from the core yet"),
    "kept": (
        "设备已收到处理结果，记入日志第 {seq} 条",
        "The box has taken the outcome into its journal as record {seq}",
    ),
    "kept_missing": ("设备尚未确认收到处理结果", "The box has not yet confirmed the outcome"),
}

# Why a label was printed again, by the code in the box's record.
REPRINTS: dict[str, tuple[str, str]] = {
    "damaged": ("标签破损", "label damaged"),
    "unreadable": ("打印不清", "badly printed"),
    "dirty": ("污损看不清", "dirty"),
    "lost": ("标签遗失", "label lost"),
    "misplaced": ("贴错位置", "put on the wrong bag"),
    "not_printed": ("操作员说标签未打出", "the operator said it had not come out"),
}

FLAGS: dict[str, tuple[str, str]] = {
    "body_invalid": ("称重内容不完整", "the weighing is incomplete"),
    "label_malformed": ("数字识别码格式不对", "the label number is malformed"),
    "label_unit_wrong": ("识别码中的单位与记录不符", "the label number names another unit"),
    "label_waste_wrong": ("识别码中的废物代码与记录不符", "the label number names another waste"),
    "label_date_wrong": ("识别码中的日期与记录不符", "the label number names another day"),
    "clock_untrusted": ("称重时设备时间未校准，日期可能不对", "the box's clock was not set; the day may be wrong"),
    "label_reused": ("识别码已被另一条记录使用", "the label number belongs to another record"),
    "number_not_leased": ("识别码的流水号未分配给该设备", "the label's number was not leased to this box"),
    "rid_reused": ("记录编号重复", "the record's id was used before"),
    "unit_wrong": ("该设备未登记给此单位", "the box is not registered for this unit"),
    "weight_not_positive": ("重量不大于零", "the weight is not above zero"),
    "weight_below_gram": ("重量不足一克", "the weight is below one gram"),
}

ALARMS: dict[str, tuple[str, str]] = {
    "fork": (
        "日志出现分叉：磁盘被复制或回退过，请到现场核查",
        "A forked journal: a copied or restored disk",
    ),
    "lease_learned": (
        "设备持有云端没有记载的号段，已补记：云端数据曾回退，或设备所言不实",
        "A box holds label numbers not on record here; now they are. The store went back, or the box lies",
    ),
    "leases_resumed": (
        "经人工确认，不再等待该设备，继续分配号段",
        "A person decided: label numbers are leased again without having heard this box",
    ),
    "lease_overlap": (
        "两台设备持有相同的号段：号码重复的第二袋会被暂扣",
        "Two boxes hold the same label numbers; a second bag of one number is held back",
    ),
    "store_went_back": (
        "云端数据回退到了旧副本：同单位各设备都重新上报之前，不再分配新号段",
        "This store went back to an older copy: no label numbers are leased until every box of a unit was heard",
    ),
    "gap_need": (
        "缺少记录：设备发来的记录接不上云端已有的，超过一天",
        "A record before those that come has been lacking for a day",
    ),
    "box_silent": ("设备三天没有消息", "The box has said nothing for three days"),
    "box_rollback": (
        "设备从较早的状态重新开始：磁盘被恢复或复制",
        "The box started from an older state: an image put back, or a copied disk",
    ),
    "store_rollback": (
        "云端数据库缺少已签发的检查点：数据库被恢复成旧备份",
        "The store lacks a checkpoint it had signed: an older copy was put back",
    ),
    "store_tampered": ("核验发现云端数据被改动", "Verify found altered content in the store"),
    "checkpoint_refused": ("监管平台不接受检查点", "The core refuses a checkpoint"),
    "checkpoint_damaged": ("检查点文件损坏或被改动", "A checkpoint's file is damaged or was changed"),
    "checkpoint_file": ("检查点文件写不进文件夹", "A checkpoint's file cannot be written"),
    "core_refused": ("监管平台退回了一条记录", "The core refused a record"),
    "core_unclear": ("一条记录多次上报仍无明确结果，后续记录不受影响", "The core gives no plain answer about a record"),
    "clock_suspect": ("云端时钟与各设备相差过大，请校时", "The collector's clock differs from its boxes'"),
    "core_barred": (
        "监管平台不接受云端的凭证，上报已暂停，数据未丢失",
        "The core does not accept our access; bags wait",
    ),
    "quarantine_full": (
        "隔离区已满，不再保留新的异常报文",
        "The quarantine is full; nothing more is kept",
    ),
    "push_box_unknown": ("收到未登记设备的报文，已隔离", "A push of a box nobody registered, kept in quarantine"),
    "push_malformed": ("收到无法解析的报文，已隔离", "An unreadable push, kept in quarantine"),
    "push_seal_wrong": ("报文签名不符，已隔离：内容可能被改动", "A push without the box's seal, kept in quarantine"),
    "push_record_malformed": ("报文中有无法解析的记录，已隔离", "A push with an unreadable record, kept in quarantine"),
    "push_box_wrong": ("报文中有其他设备的记录，已隔离", "A push with another box's record, kept in quarantine"),
    "push_seq_wrong": ("报文中记录序号不连续，已隔离", "A push with a gap in its numbers, kept in quarantine"),
    "push_genesis_wrong": ("设备密钥与登记不符，已隔离", "A journal of another key than registered, in quarantine"),
    "push_notes_after_absurd": (
        "报文中的回执编号异常，已隔离",
        "A push with an absurd note number, in quarantine",
    ),
    "push_collector_error": (
        "云端程序处理报文时出错，报文已隔离",
        "The collector failed on a push, in quarantine",
    ),
}

ALARM_STEPS: dict[str, tuple[str, str]] = {  # what to do; the why stands in the alarm's own text
    "fork": (
        "记录都已保存。已知恢复过磁盘的，确认此告警即可；否则两台都停下，保留两块磁盘，各自核验后只留一台。",
        (
            "Both branches are kept. If this box was put back from a copy and you know of it, acknowledge this alarm. "
            "If not: stop both boxes, keep both disks, run verify on each, and go on with one."
        ),
    ),
    "gap_need": (
        "不要动设备磁盘。到现场运行 hazgate-edge verify，再联系维护人员。",
        "Leave the box's disk as it is; run `hazgate-edge verify` there and compare with `hazgate-cloud box list`.",
    ),
    "box_silent": (
        "记录在设备上，联网后自动补传。请检查设备电源和网络；已停用的请确认此告警。",
        "Its records wait on its disk. See to its power and network; acknowledge if it was taken out of use.",
    ),
    "box_rollback": (
        "记录都已保存。已知恢复过磁盘的，确认此告警即可；否则查明是谁恢复或复制了磁盘；只让一台设备运行。",
        (
            "What was received is kept. If the restore is known, acknowledge this alarm. If not, find out who restored "
            "or copied the disk. Let one box run."
        ),
    ),
    "store_rollback": (
        "照常接收。不要再恢复数据库；各设备会补传。补传后运行 hazgate-cloud verify。",
        (
            "Records are taken as ever. Keep the file and the old copy; when the boxes have sent again, run "
            "`hazgate-cloud verify`, which names what is still lacking."
        ),
    ),
    "store_tampered": (
        "保留数据库原样，与检查点文件和设备日志比对。",
        "Keep the store as it is; compare with the checkpoint files kept elsewhere and with the boxes' journals.",
    ),
    "checkpoint_refused": (
        "请监管平台给出它保存的同号检查点，用 hazgate-verify 与本地文件比对。",
        "Ask the core for the one it holds of this number and compare it with the file by `hazgate-verify`.",
    ),
    "checkpoint_damaged": (
        "不要删除，用别处的副本比对。",
        (
            "Keep it aside and compare with the copy on another medium; the store has its own: "
            "`hazgate-cloud checkpoint write`."
        ),
    ),
    "checkpoint_file": (
        "检查文件夹权限和剩余空间；修好后自动补写。",
        "See to the folder's rights and room; the file is written by itself then.",
    ),
    "push_seal_wrong": (
        "核对设备密钥；没有更换设备时按改动处理。",
        (
            "Compare the box's key with `hazgate-edge identity` there; if the box was not replaced, someone sent it "
            "in its place."
        ),
    ),
    "push_box_wrong": (
        "查明哪台设备发送了别台的记录。",
        "Find out which box sends another's records: a copied journal, or a wrong name in its settings.",
    ),
    "push_genesis_wrong": (
        "核对设备密钥与登记；换过磁盘的请重新登记为新设备。",
        "Compare the box's key with the registered one; a box with a new disk is registered under a new name.",
    ),
    "push_seq_wrong": (
        "不要动设备磁盘；到现场运行 hazgate-edge verify。",
        "Leave the box's disk as it is and run `hazgate-edge verify` there: its journal has a hole.",
    ),
}

STATES: dict[str, tuple[str, str]] = {
    "accepted": ("监管平台已接收", "Accepted"),
    "duplicate": ("监管平台已接收", "Accepted"),
    "refused": ("监管平台已退回", "Refused by the core"),
    "flagged": ("已暂扣，待核实", "Held back"),
    "rejected": ("已作废", "Rejected"),
    "under_way": ("处理中", "Under way"),
    "queued": ("待上报", "Waiting"),
    "sent": ("正在上报", "Being sent"),
    "unknown": ("结果不明，再次询问中", "Unclear, asking again"),
}

WORDS: dict[str, tuple[str, str]] = {
    "trace": ("危险废物追溯", "Hazardous waste trace"),
    "label": ("数字识别码", "Label number"),
    "weight": ("重量", "Weight"),
    "waste": ("废物", "Waste"),
    "unit": ("产生单位", "Unit"),
    "produced_on": ("产生日期", "Produced on"),
    "container": ("容器", "Container"),
    "box": ("称重设备", "Box"),
    "hash": ("记录指纹", "Record hash"),
    "operator": ("操作员", "Operator"),
    "hazards": ("危险特性", "Hazards"),
    "way": ("全程记录", "Its whole way"),
    "local_time": ("时间均为北京时间", "Times are Beijing time"),
    "not_yet": ("尚未", "not yet"),
    "reference": ("回执编号", "Reference"),
    "reason": ("原因", "Reason"),
    "status_n": ("应答无效，HTTP {status}", "answer not understood, HTTP {status}"),
    "no_answer": ("没有应答", "no answer"),
    "copy_n": ("第 {copy} 份（补打）", "copy {copy}"),
    "by_operator": ("由操作员确认", "confirmed by the operator"),
    "same_label": (
        "同一识别码另有称重记录，一个识别码只能用于一袋，请核对实物重量：",
        "Other weighings claim this label number; one number is one bag, so compare the weight:",
    ),
    "unreadable": ("重量无法读取", "weight not readable"),
    "newest_bags": ("最新称重", "Newest bags"),
    "boxes": ("称重设备", "Boxes"),
    "none_yet": ("还没有记录", "Nothing yet"),
    "stored_at": ("收到时间", "Received"),
    "state": ("状态", "State"),
    "newest_record": ("最新记录", "Newest record"),
    "online": ("在线", "Online"),
    "offline": ("离线", "Offline"),
    "unheard": ("启动后尚无消息", "Not heard since the start"),
    "fork": (
        "日志分叉 {branches} 支：磁盘被复制或回退过",
        "Journal has {branches} branches: a copied or restored disk",
    ),
    "alarms": ("待处理告警", "Alarms"),
    "home": ("首页", "Home"),
    "other_language": ("English", "中文"),
    "find": ("查询", "Find"),
    "unknown_title": ("没有查到这个识别码", "No such label number here"),
    "unknown_text": (
        "云端还没有收到这一袋的记录。如果标签刚刚打印，设备可能离线，联网后会自动补传；请稍后再查，或联系产生单位核对。",
        "The collector holds no record of this bag. Its box may be offline and will send it later: look again then.",
    ),
    "malformed_title": ("识别码格式不对", "This is no label number"),
    "malformed_text": (
        "数字识别码共 37 位：单位 18 位、废物代码 8 位、日期 8 位、序号 3 位，没有空格。请核对标签后重新输入。",
        "A label number has 37 characters: unit 18, waste 8, date 8, sequence 3, no blanks. Check it and try again.",
    ),
    "page_unknown_title": ("没有这个页面", "No such page"),
    "page_unknown_text": ("地址可能输错了。请从首页查询。", "The address may be mistyped. Start from the home page."),
}


def say(table: dict[str, tuple[str, str]], key: str, language: Language, **values: str) -> str:
    """The sentence; an unknown key is shown as it is, so that nothing is hidden."""
    pair = table.get(key)
    if pair is None:
        return key
    return pair[0 if language == ZH else 1].format_map(_Shown(values))


class _Shown(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "—"
