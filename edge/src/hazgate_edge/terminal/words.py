"""The fixed words of the pages (headings, buttons, states), by key, in Chinese and English. Messages: catalogue.py."""

from __future__ import annotations

from enum import StrEnum

from hazgate_edge.domain.view import Chip, Light, PrintState, SyncState


class Language(StrEnum):
    """Languages of the pages; the value is the page's `lang` attribute."""

    ZH = "zh-CN"
    EN = "en"


WORDS: dict[str, tuple[str, str]] = {
    "title": ("称重打码", "Weigh and label"),
    "weigh": ("称重打码", "Weigh and label"),
    "weigh_hint": ("保存并打印标签", "Saves the weight and prints the label"),
    "saving": ("正在保存…", "Saving…"),
    "records": ("今日记录", "Today's records"),
    "recent": ("最近", "Latest"),
    "back": ("返回称重", "Back to weighing"),
    "operator": ("操作员", "Operator"),
    "choose_operator": ("选择操作员", "Choose the operator"),
    "choose": ("请选择", "choose"),
    "other_language": ("EN", "中文"),
    "switch_language": ("Switch to English", "切换到中文"),
    "wastes": ("危废", "Waste"),
    "containers": ("容器", "Container"),
    "pick_first": ("选择危废后显示", "Shown when a waste is chosen"),
    "gross": ("毛重", "Gross"),
    "net": ("净重", "Net"),
    "tare": ("皮重", "Tare"),
    "weight": ("重量", "Weight"),
    "stable": ("稳定", "Stable"),
    "moving": ("未稳定", "Moving"),
    "unknown_motion": ("稳定未知", "Not known"),
    "no_weight": ("无重量", "No weight"),
    "more": ("另有", "Also"),
    "code": ("危险废物数字识别码", "Digital identification code"),
    "label": ("标签", "Label"),
    "waste": ("危废", "Waste"),
    "time": ("时间", "Time"),
    "print": ("打印", "Print"),
    "sync": ("上传", "Upload"),
    "trace": ("追溯", "Trace"),
    "go_on": ("继续", "Go on"),
    "understood": ("知道了", "Understood"),
    "not_saved": ("未保存", "Not saved"),
    "came_out": ("已出", "Came out"),
    "not_out": ("未出", "Did not"),
    "ask_out": ("标签出来了吗？", "Did the label come out?"),
    "print_now": ("重新打印", "Print again"),
    "reprint": ("补打", "Reprint"),
    "reprint_why": ("为什么补打？", "Why is a copy needed?"),
    "photo": ("拍照识别", "Scan a photo"),
    "cancel": ("取消", "Cancel"),
    "copies": ("补打 {n} 次", "{n} copies"),
    "none_yet": ("今天还没有记录", "No records yet today"),
    "none_yet_hint": ("称好的每一袋会出现在这里", "Every bag weighed appears here"),
    "reload": ("重新打开", "Reload"),
    "pending": ("待传", "Waiting"),
    "refused": ("拒收", "Refused"),
    "confirmed": ("已确认", "Confirmed"),
    "clock": ("北京时间", "Beijing time"),
    "plate": ("车牌号", "Number plate"),
    "manifest": ("转移联单编号（可不填）", "Manifest number (optional)"),
    "tickets": ("磅单", "Tickets"),
    "no_tickets": ("还没有磅单", "No tickets yet"),
    "first_weighing": ("第一次称重", "First weighing"),
    "second_weighing": ("第二次称重", "Second weighing"),
    "new_ticket": ("作为新车次", "As a new ticket"),
    "keep_axle": ("记这一轴", "Keep this axle"),
    "drop_axles": ("清除各轴", "Drop the axles"),
    "delete_one": ("删一位", "Delete one"),
    "delete_all": ("清空", "Clear"),
    "other_keys": ("省份／字母", "Other keys"),
    "ready": ("完成", "Ready"),
    "ticket_open": ("待第二次称重", "Second weighing wanted"),
    "ticket_late": ("超过24小时", "Over 24 hours old"),
    "ticket_closed": ("已完成", "Done"),
    "ticket_given_up": ("已放弃", "Given up"),
    "stage_empty": ("空秤", "Empty"),
    "stage_coming": ("车辆上秤中", "Vehicle coming"),
    "stage_positioned": ("已就位", "In place"),
    "stage_settled": ("可以称重", "Ready to weigh"),
    "stage_booked": ("已保存", "Saved"),
    "stage_leaving": ("请下秤", "Drive off"),
}

CHIPS: dict[str, tuple[str, str]] = {
    "scale": ("秤", "Scale"),
    "printer": ("打印机", "Printer"),
    "network": ("网络", "Network"),
    "gate": ("道口", "Gate"),
    "clock": ("时钟", "Clock"),
    "disk": ("磁盘", "Disk"),
    "settings": ("配置", "Settings"),
    "conditions": ("工况", "Conditions"),
    "scanner": ("扫码枪", "Scanner"),
}

LIGHTS: dict[Light, tuple[str, str]] = {
    Light.GOOD: ("正常", "OK"),
    Light.WARN: ("注意", "Check"),
    Light.BAD: ("故障", "Fault"),
    Light.OFF: ("未知", "Unknown"),
}

PRINT_STATES: dict[PrintState, tuple[str, str]] = {
    PrintState.QUEUED: ("等待打印", "Waiting to print"),
    PrintState.PRINTING: ("正在打印", "Printing"),
    PrintState.PRINTED: ("已打印", "Printed"),
    PrintState.FAILED: ("未打出", "Not printed"),
    PrintState.UNKNOWN: ("不确定", "Not sure"),
}

SYNC_STATES: dict[SyncState, tuple[str, str]] = {
    SyncState.KEPT: ("待传", "Waiting"),
    SyncState.RECEIVED: ("云端已收", "Received"),
    SyncState.ACCEPTED: ("已确认", "Confirmed"),
    SyncState.REFUSED: ("拒收", "Refused"),
}

# Reasons for a copy: the code goes to the box and into the journal, the words are for the screen.
REPRINT_REASONS: dict[str, tuple[str, str]] = {
    "damaged": ("标签破损", "Label damaged"),
    "unreadable": ("打印不清", "Badly printed"),
    "dirty": ("污损看不清", "Dirty, unreadable"),
    "lost": ("标签遗失", "Label lost"),
    "misplaced": ("贴错位置", "Put on the wrong bag"),
}

# The reason given for printing a label that surely did not come out: it goes out as the original.
NOT_PRINTED = "not_printed"

HAZARDS: dict[str, tuple[str, str]] = {
    "T": ("毒性", "Toxic"),
    "C": ("腐蚀性", "Corrosive"),
    "I": ("易燃性", "Flammable"),
    "R": ("反应性", "Reactive"),
    "In": ("感染性", "Infectious"),
}


def pick(pair: tuple[str, str], language: Language) -> str:
    """The Chinese or the English of a pair."""
    return pair[1] if language is Language.EN else pair[0]


def word(key: str, language: Language, **values: str) -> str:
    """A fixed word; a key that is not in the table is our mistake and raises KeyError."""
    return pick(WORDS[key], language).format(**values)


def chip_name(chip: Chip, language: Language) -> str:
    """The device's name; one the table does not know shows as the box names it."""
    return pick(CHIPS.get(chip.name, (chip.name, chip.name)), language)
