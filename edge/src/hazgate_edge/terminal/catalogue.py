"""Every sentence the box can say to its operator, by key, in Chinese and English: the one place where they stand.

Each says what happened, whether records are safe, and what to do. Placeholders are the values of `Say`; both languages
use the same ones (tests/terminal compares them, and compares every `Say(...)` in the box with this table).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """How loud a sentence is; the page gives each tone its own shape besides its colour."""

    DONE = "done"  # it worked
    WAIT = "wait"  # part of normal work: wait, place, take off, choose
    WARN = "warn"  # work goes on, someone should look
    FAULT = "fault"  # work stands still until someone acts


class Safe(StrEnum):
    """What is true of the records while this sentence shows."""

    UNTOUCHED = "untouched"  # nothing was recorded for what is on the pan; what was saved before is safe
    VEHICLE = "vehicle"  # nothing was recorded for the vehicle on the weighbridge
    SAVED = "saved"  # this record is saved on the box
    KEPT = "kept"  # all records are on the box and go out by themselves
    UNSURE = "unsure"  # look at the list before doing it again
    PLAIN = "plain"  # not about records


SAFE: dict[Safe, tuple[str, str]] = {
    Safe.UNTOUCHED: ("本袋未记录，已有记录安全", "This bag is not recorded; earlier records are safe"),
    Safe.VEHICLE: ("本车未记录，已有记录安全", "This vehicle is not recorded; earlier records are safe"),
    Safe.SAVED: ("记录已保存在本机", "The record is saved on this box"),
    Safe.KEPT: ("已有记录都在本机，不会丢失", "All records made so far are kept on this box"),
    Safe.UNSURE: ("是否已保存尚不确定，以今日记录为准", "Whether it was saved is not sure: today's records decide"),
    Safe.PLAIN: ("", ""),
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One language of a message: what happened, and what to do ("" when there is nothing to do)."""

    what: str
    act: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the catalogue."""

    tone: Tone
    safe: Safe
    zh: Sentence
    en: Sentence


def _wait(safe: Safe, zh: tuple[str, str], en: tuple[str, str]) -> Message:
    return Message(Tone.WAIT, safe, Sentence(*zh), Sentence(*en))


def _warn(safe: Safe, zh: tuple[str, str], en: tuple[str, str]) -> Message:
    return Message(Tone.WARN, safe, Sentence(*zh), Sentence(*en))


def _fault(safe: Safe, zh: tuple[str, str], en: tuple[str, str]) -> Message:
    return Message(Tone.FAULT, safe, Sentence(*zh), Sentence(*en))


def _done(safe: Safe, zh: tuple[str, str], en: tuple[str, str]) -> Message:
    return Message(Tone.DONE, safe, Sentence(*zh), Sentence(*en))


SCALE: dict[str, Message] = {
    "SCALE-01": _fault(
        Safe.UNTOUCHED,
        ("秤无信号（已 {n} 秒）", "看仪表：显示超载就取下，否则检查电源和通讯线"),
        ("No signal from the scale ({n} s)", "See the indicator: overload, take it off; else check power and cable"),
    ),
    "SCALE-02": _fault(
        Safe.UNTOUCHED,
        ("秤数据异常，无法解析", "拍下仪表画面并报修"),
        ("The scale's messages cannot be read", "Take a photo of the indicator and call service"),
    ),
    "SCALE-03": _wait(
        Safe.UNTOUCHED,
        ("未稳定，请勿触碰", "等重量不再变化"),
        ("Not stable yet, do not touch", "Wait until the weight stands still"),
    ),
    "SCALE-04": _fault(
        Safe.UNTOUCHED,
        ("超量程（最大 {capacity}）", "取下，分装后再称，或换大秤"),
        ("Too heavy for this scale (at most {capacity})", "Take it off; split the load or use a larger scale"),
    ),
    "SCALE-05": _wait(
        Safe.SAVED,
        ("上一袋还在秤上，未回零", "取下上一袋，秤回零后继续"),
        ("The last bag is still on the scale", "Take it off; go on when the scale shows zero"),
    ),
    "SCALE-06": _warn(
        Safe.UNTOUCHED,
        ("皮重与容器标准皮重相差 {d} kg", "确认容器，或请主管放行"),
        ("Tare differs from the container's by {d} kg", "Check the container, or ask the supervisor"),
    ),
    "SCALE-07": _warn(
        Safe.KEPT,
        ("秤的检定已过期 {n} 天", "可继续称重，记录会带标记；请安排检定"),
        ("The scale's verification expired {n} days ago", "You may go on, records are marked; arrange it"),
    ),
    "SCALE-08": _fault(
        Safe.UNTOUCHED,
        ("秤的单位是 {unit}，不是公制", "在仪表上改回 kg 后再称"),
        ("The scale shows {unit}, not a metric unit", "Set the indicator to kg, then weigh"),
    ),
    "SCALE-09": _fault(
        Safe.UNTOUCHED,
        ("不知道秤的单位", "秤没有发送单位，配置中也没有；联系管理员设置"),
        ("The scale's unit is not known", "It sends none and none is configured; call the administrator"),
    ),
    "SCALE-10": _fault(
        Safe.UNTOUCHED,
        ("重量低于零", "清空秤台，在仪表上按置零"),
        ("The weight is below zero", "Empty the pan and press zero on the indicator"),
    ),
    "SCALE-11": _wait(
        Safe.UNTOUCHED,
        ("仪表忙或尚未置零", "等待仪表，仍不行请清空秤台后置零"),
        ("The indicator is busy or not zeroed", "Wait; if it stays, empty the pan and press zero"),
    ),
    "SCALE-12": _fault(
        Safe.UNTOUCHED,
        ("秤报告故障", "看仪表上的错误代码并报修"),
        ("The scale reports an error", "Read the error code on the indicator and call service"),
    ),
    "SCALE-13": _fault(
        Safe.UNTOUCHED,
        ("秤数据损坏，刚丢弃 {n} 帧", "检查通讯线和接地，恢复后自动继续"),
        ("Damaged messages from the scale, {n} dropped", "Check cable and earthing; it goes on by itself"),
    ),
    "SCALE-14": _fault(
        Safe.UNTOUCHED,
        ("按下后重量变了，已取消", "等稳定后再按一次"),
        ("The weight changed after the press: cancelled", "Wait until it is stable and press again"),
    ),
    "SCALE-15": _fault(
        Safe.UNTOUCHED,
        ("收到数据但读不懂，通讯参数可能不对", "联系管理员核对波特率、校验位和仪表型号"),
        ("Data arrives but makes no sense", "Have baud rate, parity and indicator model checked"),
    ),
    "SCALE-16": _fault(
        Safe.UNTOUCHED,
        ("低于最小称量 {minimum}", "合并后再称，或换小秤"),
        ("Below the scale's minimum weight of {minimum}", "Weigh more at once or use a smaller scale"),
    ),
    "SCALE-17": _fault(
        Safe.UNTOUCHED,
        ("秤在计数或百分比方式", "在仪表上切回称重方式"),
        ("The scale is counting or showing percent", "Set the indicator back to weighing"),
    ),
    "SCALE-18": _wait(
        Safe.UNSURE,
        ("程序刚启动，秤上有东西", "取下；今日记录里没有这一袋就再称一次"),
        ("The box has just started and the scale is loaded", "Take it off; weigh again if today's records lack it"),
    ),
    "PAN-01": _wait(
        Safe.PLAIN,
        ("请放上一袋", "放到秤台中间"),
        ("Put a bag on the scale", "Place it in the middle of the pan"),
    ),
    "PAN-02": _wait(
        Safe.SAVED,
        ("已保存，请取下这一袋", "秤台清空后可称下一袋"),
        ("Saved: take this bag off", "The next one can be weighed when the pan is empty"),
    ),
    "PAN-03": _fault(
        Safe.UNTOUCHED,
        ("现在没有可用的重量", "等待秤恢复，或看上方提示"),
        ("There is no weight to use now", "Wait for the scale, or see the notice above"),
    ),
}

PRINTER: dict[str, Message] = {
    "PRN-01": _fault(
        Safe.KEPT,
        ("打印机缺纸", "换纸，排队的标签会自动打出"),
        ("The printer is out of labels", "Load labels; queued ones print by themselves"),
    ),
    "PRN-02": _fault(
        Safe.KEPT,
        ("打印机离线", "检查电源和线；急用先手写袋号，恢复后贴标签"),
        ("The printer is offline", "Check power and cable; write the code by hand if urgent"),
    ),
    "PRN-03": _fault(
        Safe.SAVED,
        ("无法确认标签是否已打出", "看打印机：标签出来了吗？请回答已出或未出"),
        ("It is not known if the label came out", "Look at the printer and answer: came out, or not"),
    ),
    "PRN-04": _fault(
        Safe.KEPT,
        ("打印机盖或打印头未合上", "合上并压紧，标签会自动接着打"),
        ("The printer's cover or head is open", "Close it firmly; waiting labels print by themselves"),
    ),
    "PRN-05": _fault(
        Safe.KEPT,
        ("打印机碳带用完", "换碳带，标签会自动接着打"),
        ("The printer's ribbon is used up", "Change it; waiting labels print by themselves"),
    ),
    "PRN-06": _fault(
        Safe.KEPT,
        ("打印机卡纸或故障", "清理或重启打印机，标签会自动接着打"),
        ("The printer has a jam or a fault", "Clear or restart it; waiting labels print by themselves"),
    ),
    "PRN-07": _fault(
        Safe.KEPT,
        ("打印机已暂停", "按打印机上的暂停键，标签会自动接着打"),
        ("The printer is paused", "Press its pause key; waiting labels print by themselves"),
    ),
    "PRN-08": _fault(
        Safe.KEPT,
        ("打印机已连接但不回答", "重启打印机，标签会自动接着打"),
        ("The printer is connected but does not answer", "Restart it; waiting labels print by themselves"),
    ),
    "PRN-09": _fault(
        Safe.KEPT,
        ("打印机一直忙", "等它空闲，标签会自动接着打"),
        ("The printer stays busy", "Wait until it rests; waiting labels print by themselves"),
    ),
    "PRN-10": _fault(
        Safe.SAVED,
        ("标签无法生成：{why}", "先手写袋号，联系管理员"),
        ("The label cannot be drawn: {why}", "Write the code by hand and call the administrator"),
    ),
    "PRN-11": _warn(
        Safe.KEPT,
        ("有 {n} 张标签不确定是否打出", "打开今日记录，回答已出或未出"),
        ("{n} labels may or may not have come out", "Open today's records and answer"),
    ),
    "PRN-12": _fault(
        Safe.KEPT,
        ("打印机型号不符，不懂标签指令", "换回原来的打印机，或请管理员改打印机设置"),
        ("This printer speaks another language", "Connect the former one, or have its setting changed"),
    ),
    "PRN-13": _fault(
        Safe.KEPT,
        ("打印头过热", "等它凉下来，标签会自动接着打"),
        ("The printer's head is too hot", "Let it cool; waiting labels print by themselves"),
    ),
    "PRN-14": _fault(
        Safe.KEPT,
        ("打印机电量低", "充电或换电池，标签会自动接着打"),
        ("The printer's battery is low", "Charge or change it; waiting labels print by themselves"),
    ),
    "PRN-15": _fault(
        Safe.KEPT,
        ("上一张标签还没取走", "取走出口的标签，下一张会自动打出"),
        ("The last label was not taken", "Take it from the printer; the next one prints by itself"),
    ),
    "PRN-16": _warn(
        Safe.SAVED,
        ("只打小票，不是标签：容器上须另贴标签", "按小票上的尺寸打印标签并贴好"),
        ("Only a slip is printed here, not the label", "Put a label of the size on the slip onto the container"),
    ),
    "LBL-01": _fault(
        Safe.PLAIN,
        ("二维码不是本系统的袋号：{text}", "扫描本系统的标签"),
        ("This is not a label of this system: {text}", "Scan a label of this system"),
    ),
    "LBL-02": _fault(
        Safe.PLAIN,
        ("该袋已作废或已出库", "打开追溯页查看"),
        ("This bag is void or has left the store", "Open its trace page"),
    ),
    "LBL-03": _warn(
        Safe.PLAIN,
        ("同一袋重复扫描", "已忽略，请扫下一袋"),
        ("The same bag was scanned again", "Ignored; scan the next one"),
    ),
}

SCANNER: dict[str, Message] = {
    "SCAN-01": _done(
        Safe.PLAIN,
        ("已扫到本机的一袋：{number}", "看下面的称重记录"),
        ("A bag of this box: {number}", "See its weighing below"),
    ),
    "SCAN-02": _warn(
        Safe.PLAIN,
        ("不是本机称的袋：{number}", "到打出这张标签的称重点查询，或在追溯页查询"),
        ("This bag is not of this box: {number}", "Ask at the place that printed its label, or its trace page"),
    ),
    "SCAN-03": _warn(
        Safe.PLAIN,
        ("扫到的内容不能用：{text}", "这不是标签上的码；请扫描本系统的标签"),
        ("What was scanned cannot be used: {text}", "It is no label's code; scan a label of this system"),
    ),
    "SCAN-04": _warn(
        Safe.PLAIN,
        ("袋号没有读完整：{text}", "擦净标签再扫一次；还不行就补打"),
        ("The label number was not read right: {text}", "Wipe the label and scan again; else reprint it"),
    ),
    "SCAN-05": _warn(
        Safe.PLAIN,
        ("这是别的单位的袋：{unit}（{number}）", "先放一边，请管理员核实"),
        ("This bag is of another unit: {unit} ({number})", "Set it aside; tell the administrator"),
    ),
    "SCAN-06": _warn(
        Safe.PLAIN,
        ("扫码枪没有连接：{scanner}", "查线或重新插上；可继续称重，也可拍照识别"),
        ("The scanner is not connected: {scanner}", "Check its cable; weighing goes on, a photo works too"),
    ),
    "SCAN-07": _warn(
        Safe.PLAIN,
        ("照片里没有找到二维码", "靠近一些，对准，光线亮一些再拍"),
        ("No code was found in the photo", "Go closer, hold still, with more light; take it again"),
    ),
    "SCAN-08": _warn(
        Safe.PLAIN,
        ("照片里有 {n} 个码，不知道是哪一个", "只拍一张标签"),
        ("The photo has {n} codes; it is not clear which is meant", "Take one label alone"),
    ),
    "SCAN-09": _warn(
        Safe.PLAIN,
        ("照片无法识别：{why}", "用 JPEG 或 PNG 照片再试；还不行请联系管理员"),
        ("The photo cannot be read: {why}", "Try again with a JPEG or PNG photo, else call the administrator"),
    ),
}

NETWORK: dict[str, Message] = {
    "NET-01": _warn(
        Safe.KEPT,
        ("离线工作，数据已存本机", "无需处理，联网后自动上传"),
        ("Working offline, records stay on this box", "Nothing to do; they go out by themselves"),
    ),
    "NET-02": _warn(
        Safe.KEPT,
        ("已连网，但云端未确认 {n} 条", "无需处理，正在自动重试"),
        ("Connected, but {n} records have no receipt", "Nothing to do; it is being retried"),
    ),
    "NET-03": _fault(
        Safe.KEPT,
        ("云端拒收 {n} 条", "打开今日记录看原因，告诉管理员；其余照常上传"),
        ("The cloud refused {n} records", "See why in the records, tell the administrator; others still go"),
    ),
    "NET-04": _warn(
        Safe.KEPT,
        ("离线已 {n} 小时，号码还剩 {m} 个", "联系管理员恢复网络"),
        ("Offline for {n} hours, {m} numbers left", "Ask the administrator to restore the network"),
    ),
    "NET-05": _fault(
        Safe.KEPT,
        ("服务器不接受本机账号", "可继续称重；请管理员核对本机账号"),
        ("The server refuses this box's account", "You may go on; have the account checked"),
    ),
    "NET-06": _fault(
        Safe.KEPT,
        ("云端回执的签名不对，不算数", "可继续称重；马上告诉管理员"),
        ("A receipt has a wrong seal and does not count", "You may go on; tell the administrator at once"),
    ),
    "NET-07": _fault(
        Safe.KEPT,
        ("云端已 {m} 分钟没有回执，{n} 条待上传", "可继续称重；请告诉管理员"),
        ("No receipt for {m} minutes, {n} records wait", "You may go on; tell the administrator"),
    ),
    "NET-08": _warn(
        Safe.KEPT,
        ("域名解析失败：{host}", "可继续称重；请管理员检查网络和域名"),
        ("The name {host} cannot be resolved", "You may go on; have network and name checked"),
    ),
    "NET-09": _fault(
        Safe.KEPT,
        ("设备身份冲突：另一台设备在用本机的名字", "可继续称重；马上告诉管理员"),
        ("Another device uses this box's name", "You may go on; tell the administrator at once"),
    ),
    "NET-10": _warn(
        Safe.KEPT,
        ("正在补传，还剩 {n} 条", "无需处理，可继续称重"),
        ("Catching up, {n} records still to go", "Nothing to do, go on weighing"),
    ),
    "NET-11": _warn(
        Safe.KEPT,
        ("网络不稳，一连上就断", "可继续称重；一直如此请管理员查网络，或查是否有同名设备"),
        (
            "The network is unsteady: connections break at once",
            "Go on; if it stays, have the network checked, or a second device of this name",
        ),
    ),
    "CORE-01": _fault(
        Safe.KEPT,
        ("监管平台拒收 {n} 条", "打开今日记录看原因，告诉管理员"),
        ("The regulator's system refused {n} records", "See why in the records; tell the administrator"),
    ),
}

BOX: dict[str, Message] = {
    "SAVE-01": _fault(
        Safe.UNTOUCHED,
        ("没有保存：{why}", "袋子留在秤上，联系管理员"),
        ("Not saved: {why}", "Leave the bag on the scale and call the administrator"),
    ),
    "SAVE-02": _done(
        Safe.SAVED,
        ("已保存", "取下这一袋，标签打出后贴上"),
        ("Saved", "Take the bag off; put its label on when it is out"),
    ),
    "SAVE-03": _fault(
        Safe.UNSURE,
        ("没有得到本机的回答", "看今日记录有没有这一袋，没有再按一次"),
        ("The box did not answer", "See if the bag is in today's records; if not, press again"),
    ),
    "BUSY-01": _wait(
        Safe.PLAIN,
        ("上一次还在保存", "请稍等"),
        ("The last one is still being saved", "Please wait"),
    ),
    "DISK-01": _fault(
        Safe.UNTOUCHED,
        ("磁盘将满（剩 {free_mb} MB），停止称重", "联系管理员；已有记录继续上传"),
        ("The disk is nearly full ({free_mb} MB left): no weighing", "Call the administrator; records still go out"),
    ),
    "DISK-02": _warn(
        Safe.KEPT,
        ("磁盘快满（剩 {percent}%）", "可继续称重；请管理员尽早清理"),
        ("The disk is filling up ({percent}% left)", "You may go on; have room made soon"),
    ),
    "CFG-01": _warn(
        Safe.KEPT,
        ("配置有误，已用上一版本：{why}", "可继续称重；请管理员改正配置"),
        ("The settings are wrong, the last good ones are used: {why}", "You may go on; have them put right"),
    ),
    "COND-01": _warn(
        Safe.KEPT,
        ("工况异常：{point}（共 {count} 项超限）", "称重不受影响；请检查设备，通知管理员"),
        ("Working condition beyond its limits: {point} ({count} in all)", "Weighing goes on; look at the equipment"),
    ),
    "COND-02": _warn(
        Safe.KEPT,
        ("工况无数据：{point}（共 {count} 项）", "称重不受影响；请检查传感器与接线，缺失时段会被记录"),
        ("No value of a working condition: {point} ({count} in all)", "Weighing goes on; check sensor and cable"),
    ),
    "COND-03": _warn(
        Safe.KEPT,
        ("工况暂停采集：{why}", "称重不受影响；请联系管理员"),
        ("Working conditions are not read: {why}", "Weighing goes on; call the administrator"),
    ),
    "CLK-01": _warn(
        Safe.KEPT,
        ("时间未校准", "可继续，记录会带标记，标签日期可能不对；联系管理员"),
        (
            "The time is not set",
            "You may go on, records are marked, the label's date may be wrong; tell the administrator",
        ),
    ),
    "CLK-02": _warn(
        Safe.KEPT,
        ("时间被回拨 {s} 秒", "可继续，已记录；核对时间，不对请联系管理员"),
        (
            "The clock was set back by {s} s",
            "You may go on, it is on record; is the time right? Tell the administrator",
        ),
    ),
    "CLK-03": _warn(
        Safe.KEPT,
        ("时间异常，向前跳了 {s} 秒", "可继续，已记录；核对时间，不对请联系管理员"),
        (
            "The clock jumped ahead by {s} s",
            "You may go on, it is on record; is the time right? Tell the administrator",
        ),
    ),
    "CLK-04": _warn(
        Safe.KEPT,
        ("时间偏差 {s} 秒，已校正", "无需处理；之前的记录带着原来的时间"),
        ("The clock was off by {s} s and is right now", "Nothing to do; earlier records carry the earlier time"),
    ),
    "BACK-01": _fault(
        Safe.KEPT,
        ("检测到数据回退：本机数据被恢复或复制过", "等云端核对；离线时请安装人员确认"),
        ("This box's data was restored or copied", "Wait for the cloud's answer; offline an installer must confirm"),
    ),
    "BACK-02": _wait(
        Safe.KEPT,
        ("检测到数据回退，正在从云端找回（已 {n} 条）", "请稍等，找回后可继续称重"),
        ("Lost records are being fetched back ({n} so far)", "Please wait; weighing goes on after that"),
    ),
    "BACK-03": _warn(
        Safe.KEPT,
        ("已从云端找回 {n} 条记录", "可继续称重；告诉管理员"),
        ("{n} lost records were fetched back", "You may go on; tell the administrator"),
    ),
    "BACK-04": _fault(
        Safe.KEPT,
        ("设备被复制：另一台机器在用本机身份", "停止称重，马上叫安装人员"),
        ("Another machine uses this box's identity", "Do not weigh; call the installer at once"),
    ),
    "BACK-05": _fault(
        Safe.KEPT,
        ("第 {n} 条记录校验失败", "可继续称重；告诉管理员，正从云端取回"),
        ("Record {n} is not as it was written", "You may go on; tell the administrator; it is being fetched back"),
    ),
    "BACK-06": _warn(
        Safe.KEPT,
        ("检测到数据回退，号码不会重复", "可继续称重；联网后从云端找回"),
        ("Records of this box are missing; no number comes twice", "You may go on; they come back from the cloud"),
    ),
    "BACK-07": _fault(
        Safe.SAVED,
        ("这是找回的记录，不能在本机补打", "要标签请联系管理员"),
        ("This record was found again; no label from here", "Ask the administrator for a label"),
    ),
    "BACK-08": _warn(Safe.SAVED, ("找回的记录", "无需处理"), ("Found again", "Nothing to do")),
    "NUM-01": _fault(
        Safe.UNTOUCHED,
        ("{waste} 今天的号码已用完（到 {n}）", "换另一台终端，或联系管理员"),
        ("Today's numbers for {waste} are used up (at {n})", "Use another terminal or call the administrator"),
    ),
    "NUM-02": _warn(
        Safe.KEPT,
        ("今天的号码还剩 {left} 个", "联系管理员"),
        ("{left} numbers are left for today", "Tell the administrator"),
    ),
    "NUM-03": _fault(
        Safe.UNTOUCHED,
        ("本机还没有 {waste} 的号码", "接通网络，几秒后自动取得；急用请换另一台终端"),
        ("No numbers for {waste} on this box yet", "Connect the network once, they come by themselves in seconds"),
    ),
    "NUM-04": _fault(
        Safe.UNTOUCHED,
        ("{waste} 今天的号码已用完，已自动申请", "接通网络稍候，或换另一台终端"),
        ("Today's numbers for {waste} are used up; more are asked for", "Connect and wait, or use another terminal"),
    ),
    "NUM-05": _fault(
        Safe.UNTOUCHED,
        ("{waste} 的号码已用完，云端今天也没有了", "换另一台终端，或联系管理员"),
        ("No numbers for {waste} are left, nor at the cloud today", "Use another terminal or call the administrator"),
    ),
    "NUM-06": _warn(
        Safe.KEPT,
        ("今天的号码还剩 {left} 个，已自动申请", "保持网络接通"),
        ("{left} numbers are left for today; more are asked for", "Keep the network connected"),
    ),
    "NUM-07": _warn(
        Safe.KEPT,
        ("今天的号码还剩 {left} 个，云端没有更多了", "告诉管理员；用完后换另一台终端"),
        (
            "{left} numbers are left for today, and no more at the cloud",
            "Tell the administrator; then another terminal",
        ),
    ),
    "NUM-08": _warn(
        Safe.KEPT,
        ("号码只够 {days} 天", "{days} 天内接通一次网络"),
        ("There are numbers for {days} days only", "Connect the network once within {days} days"),
    ),
    "WASTE-01": _fault(
        Safe.UNTOUCHED,
        ("没有这个危废代码：{code}", "重新选择危废"),
        ("Unknown waste code: {code}", "Choose the waste again"),
    ),
    "WASTE-02": _warn(
        Safe.KEPT,
        ("未装入 2025 年版危废名录", "可继续；请管理员装入名录"),
        ("The 2025 waste catalogue is not loaded", "You may go on; have it loaded"),
    ),
}

PAGE: dict[str, Message] = {
    "PICK-01": _wait(Safe.PLAIN, ("请选择危废", "点一下危废"), ("Choose the waste", "Touch a waste")),
    "PICK-02": _wait(
        Safe.PLAIN, ("请选择操作员", "点上方“操作员”"), ("Choose the operator", "Touch “Operator” at the top")
    ),
    "PICK-03": _fault(
        Safe.UNTOUCHED,
        ("没有这种容器：{container}", "重新选择容器"),
        ("Unknown container: {container}", "Choose the container again"),
    ),
    "PICK-04": _fault(
        Safe.UNTOUCHED,
        ("没有这个操作员：{operator}", "重新选择操作员"),
        ("Unknown operator: {operator}", "Choose the operator again"),
    ),
    "PICK-05": _fault(
        Safe.UNTOUCHED,
        ("没有配置任何危废", "联系管理员添加本单位的危废"),
        ("No waste is configured", "Have the administrator add this unit's wastes"),
    ),
    "REQ-01": _fault(
        Safe.UNTOUCHED,
        ("页面已过期", "重新打开页面再操作"),
        ("This page is out of date", "Reload the page, then try again"),
    ),
    "REQ-02": _fault(
        Safe.PLAIN, ("没有这条记录", "回到今日记录"), ("There is no such record", "Go back to today's records")
    ),
    "REQ-03": _fault(
        Safe.PLAIN, ("没有这个页面", "回到称重页"), ("There is no such page", "Go back to the weighing page")
    ),
    "REQ-04": _fault(
        Safe.PLAIN,
        ("请求不完整或不合规，未执行", "重新打开页面再试"),
        ("The request is incomplete or wrong and was not done", "Reload the page and try again"),
    ),
    "REQ-05": _fault(
        Safe.PLAIN,
        ("这个地址不允许访问本终端", "用配置的终端地址打开"),
        ("This terminal does not answer to that address", "Open it by its configured address"),
    ),
    "REQ-06": _fault(
        Safe.PLAIN,
        ("打开的终端页面太多", "关掉不用的页面"),
        ("Too many terminal pages are open", "Close those not in use"),
    ),
    "REQ-07": _fault(
        Safe.SAVED,
        ("这张标签不在等待回答", "看记录里的打印状态"),
        ("This label waits for no answer", "See its print state in the records"),
    ),
    "SENT-01": _done(
        Safe.SAVED,
        ("已收到回答", "打印状态见记录"),
        ("Your answer is noted", "See the print state in the list"),
    ),
    "SENT-02": _done(
        Safe.SAVED,
        ("标签已送打印机", "打印状态见记录"),
        ("The label goes to the printer", "See the print state in the list"),
    ),
    "SYS-01": _fault(
        Safe.KEPT,
        ("终端程序无响应（{n} 秒）", "请勿称重；正在自动重连，一分钟不恢复请联系管理员"),
        ("The terminal does not answer ({n} s)", "Do not weigh; it reconnects. After a minute call the administrator"),
    ),
    "SYS-02": _wait(
        Safe.KEPT,
        ("正在更新，预计 {n} 分钟", "请稍等"),
        ("Updating, about {n} minutes", "Please wait"),
    ),
    "SYS-03": _fault(
        Safe.UNTOUCHED,
        ("画面数据中断，重量已隐去", "正在重连，请稍等"),
        ("The page gets no data: the weight is hidden", "Reconnecting, please wait"),
    ),
    "SYS-04": _fault(
        Safe.UNSURE,
        ("终端程序内部出错", "看今日记录，再联系管理员"),
        ("The terminal program failed", "Look at today's records, then call the administrator"),
    ),
}

# Why the collector holds a weighing back, or that a person rejected it there, by the code that its words begin with.
HELD_BY_CODE: dict[str, str] = {
    "label_reused": "HELD-01",
    "number_not_leased": "HELD-02",
    "rid_reused": "HELD-03",
    "clock_untrusted": "HELD-04",
    "unit_wrong": "HELD-05",
    "label_malformed": "HELD-06",
    "label_unit_wrong": "HELD-07",
    "label_waste_wrong": "HELD-08",
    "label_date_wrong": "HELD-09",
    "body_invalid": "HELD-10",
    "weight_not_positive": "HELD-11",
    "weight_below_gram": "HELD-12",
    "rejected": "HELD-13",
}

HELD: dict[str, Message] = {
    "HELD-01": _fault(
        Safe.KEPT,
        ("暂扣：袋号已被另一条记录使用", "袋子先放一边，请管理员核实"),
        ("Held back: another record has this label number", "Set the bag aside; tell the administrator"),
    ),
    "HELD-02": _fault(
        Safe.KEPT,
        ("暂扣：这个袋号没有分给本机", "袋子先放一边，请管理员核实"),
        ("Held back: this label number was not given to this box", "Set the bag aside; tell the administrator"),
    ),
    "HELD-03": _fault(
        Safe.KEPT,
        ("暂扣：记录编号重复，本机数据可能被复制过", "马上告诉管理员"),
        ("Held back: its record id came before; a copied box?", "Tell the administrator at once"),
    ),
    "HELD-04": _fault(
        Safe.KEPT,
        ("暂扣：称重时本机时间未校准", "核对标签上的日期，请管理员核实"),
        ("Held back: the box's time was not set then", "Check the date on the label; tell the administrator"),
    ),
    "HELD-05": _fault(
        Safe.KEPT,
        ("暂扣：本机没有登记给这个单位", "请管理员核对单位设置和登记"),
        ("Held back: this box is not registered for the unit", "Have the unit's settings and registration checked"),
    ),
    "HELD-06": _fault(
        Safe.KEPT,
        ("暂扣：袋号格式不对", "袋子先放一边，请管理员核实"),
        ("Held back: its label number is malformed", "Set the bag aside; tell the administrator"),
    ),
    "HELD-07": _fault(
        Safe.KEPT,
        ("暂扣：袋号里的单位与记录不符", "袋子先放一边，请管理员核实"),
        ("Held back: the label number names another unit", "Set the bag aside; tell the administrator"),
    ),
    "HELD-08": _fault(
        Safe.KEPT,
        ("暂扣：袋号里的危废代码与记录不符", "袋子先放一边，请管理员核实"),
        ("Held back: the label number names another waste", "Set the bag aside; tell the administrator"),
    ),
    "HELD-09": _fault(
        Safe.KEPT,
        ("暂扣：袋号里的日期与记录不符", "袋子先放一边，请管理员核实"),
        ("Held back: the label number names another day", "Set the bag aside; tell the administrator"),
    ),
    "HELD-10": _fault(
        Safe.KEPT,
        ("暂扣：称重内容不完整", "请管理员核实；可能要更新程序"),
        ("Held back: the weighing is incomplete", "Tell the administrator; an update may be needed"),
    ),
    "HELD-11": _fault(
        Safe.KEPT,
        ("暂扣：重量不大于零", "检查秤和置零，请管理员核实"),
        ("Held back: the weight is not above zero", "Check the scale and its zero; tell the administrator"),
    ),
    "HELD-12": _fault(
        Safe.KEPT,
        ("暂扣：重量不足一克", "确认重量单位，请管理员核实"),
        ("Held back: the weight is below one gram", "Check the scale's unit; tell the administrator"),
    ),
    "HELD-13": _fault(
        Safe.KEPT,
        ("经核实作废，不再上报", "问管理员这一袋要不要重称"),
        ("Rejected by a person: it never goes to the core", "Ask the administrator if it must be weighed again"),
    ),
}

VEHICLE: dict[str, Message] = {
    "VEH-01": _fault(
        Safe.VEHICLE,
        ("位置传感器无应答，不知道车辆是否全部上秤", "检查传感器模块的电源和网线，恢复后自动继续"),
        ("The position sensors do not answer", "Check the module's power and network; it goes on by itself"),
    ),
    "VEH-02": _wait(
        Safe.VEHICLE,
        ("车头未全部上秤", "车辆后退，停在秤台中间"),
        ("The front hangs over the platform", "Move back, stop in the middle of the platform"),
    ),
    "VEH-03": _wait(
        Safe.VEHICLE,
        ("车尾未全部上秤", "车辆前进，停在秤台中间"),
        ("The rear hangs over the platform", "Move on, stop in the middle of the platform"),
    ),
    "VEH-04": _wait(
        Safe.PLAIN,
        ("请车辆上秤", "慢行，停在秤台中间"),
        ("Drive the vehicle onto the scale", "Slowly, and stop in the middle of the platform"),
    ),
    "VEH-05": _wait(
        Safe.PLAIN,
        ("请车辆下秤", "秤台清空、显示回零后可称下一次"),
        ("Drive the vehicle off the scale", "The next weighing begins when the scale shows zero"),
    ),
    "VEH-06": _wait(
        Safe.UNSURE,
        ("程序刚启动，秤上有车", "下秤后看磅单，没有这一次就重新上秤"),
        ("The box has just started and the scale is loaded", "Drive off; weigh again if the tickets lack it"),
    ),
    "VEH-07": _wait(
        Safe.VEHICLE,
        ("车辆未停稳", "熄火或松开刹车，等重量不再变化"),
        ("The vehicle is not at rest", "Wait until the weight stands still"),
    ),
    "VEH-08": _fault(
        Safe.VEHICLE,
        ("仪表在净重方式", "在仪表上清除皮重后再称"),
        ("The indicator shows net", "Clear the tare on the indicator, then weigh"),
    ),
    "VEH-09": _wait(
        Safe.VEHICLE,
        ("车牌号不对", "输入完整车牌，例如 冀F12345"),
        ("This is no number plate", "Enter the whole plate, such as the province sign and F12345"),
    ),
    "VEH-10": _wait(
        Safe.VEHICLE,
        ("转移联单编号不对", "输入14位编号，没有就留空"),
        ("This is no manifest number", "Enter its 14 digits, or leave it empty"),
    ),
    "VEH-11": _wait(
        Safe.VEHICLE,
        ("这张磅单已经完成或已被替代", "刷新磅单，重新选择"),
        ("This ticket is no longer open", "Look at the tickets and choose again"),
    ),
    "VEH-12": _fault(
        Safe.VEHICLE,
        ("选的磅单是另一辆车 {plate} 的", "核对车牌，选这辆车的磅单"),
        ("The chosen ticket is of another vehicle, {plate}", "Check the plate; choose this vehicle's ticket"),
    ),
    "VEH-13": _wait(
        Safe.VEHICLE,
        ("首次称重已超过24小时", "作为新车次重新称重"),
        ("Its first weighing is more than 24 hours old", "Begin a new ticket"),
    ),
    "VEH-14": _wait(
        Safe.VEHICLE,
        ("至少要称 {n} 个轴", "逐轴上秤，每轴停稳后记轴"),
        ("At least {n} axles are wanted", "Drive on axle by axle and keep each at rest"),
    ),
    "VEH-15": _fault(
        Safe.VEHICLE,
        ("最多记 {n} 个轴", "清除后重新逐轴称"),
        ("At most {n} axles can be kept", "Drop them and begin anew"),
    ),
    "VEH-16": _fault(
        Safe.VEHICLE,
        ("仪表单位中途变了", "清除后重新逐轴称"),
        ("The indicator's unit has changed on the way", "Drop the axles and begin anew"),
    ),
    "VEH-17": _fault(
        Safe.UNTOUCHED,
        ("这台秤是地磅，不称袋", "用袋秤称，或打开地磅页面"),
        ("This scale is a weighbridge; no bags here", "Use a bag scale, or open the weighbridge page"),
    ),
    "VEH-18": _warn(
        Safe.PLAIN,
        ("信号灯模块无应答", "可继续称重，人工指挥车辆；检查电源和网线"),
        ("The traffic light's module does not answer", "Weighing goes on; wave vehicles by hand and check it"),
    ),
    "VEH-19": _wait(
        Safe.PLAIN,
        ("请输入车牌", "点车牌框输入，或在磅单里选这辆车"),
        ("Enter the number plate", "Touch the plate field, or choose the vehicle's ticket"),
    ),
    "VEH-20": _warn(
        Safe.SAVED,
        ("皮重 {tare} {unit} 与该车平时 {usual} {unit} 相差过大", "核对车牌、车厢和油箱"),
        ("Tare {tare} {unit} is far from this vehicle's usual {usual} {unit}", "Check plate, body and tank"),
    ),
    "VEH-21": _warn(
        Safe.SAVED,
        ("该车上次皮重已超过30天", "核对皮重是否合理"),
        ("This vehicle's last tare is over 30 days old", "See that the tare is plausible"),
    ),
    "VEH-22": _warn(
        Safe.SAVED,
        ("净重为零", "确认车辆是否真的装卸过"),
        ("The net weight is zero", "Make sure that it was really loaded or unloaded"),
    ),
    "VEH-23": _warn(
        Safe.SAVED,
        ("车牌格式少见", "再核对一次车牌"),
        ("The plate has an unusual form", "Look at the plate again"),
    ),
    "VEH-24": _warn(
        Safe.SAVED,
        ("逐轴称重之和，仅供参考", "贸易结算请用整车地磅"),
        ("A sum of single axles, for information", "Use a whole-vehicle weighbridge for trade"),
    ),
    "VEH-30": _done(
        Safe.PLAIN,
        ("已记 {n} 轴，合计 {sum}，尚未保存", "继续上下一轴；全部称完后按称重"),
        ("{n} axles kept, {sum} in all, not yet saved", "Drive on to the next axle; press when all are weighed"),
    ),
    "VEH-31": _done(
        Safe.PLAIN,
        ("各轴已清除", "从第一轴重新称"),
        ("The axles are dropped", "Begin again with the first axle"),
    ),
    "VEH-32": _done(
        Safe.SAVED,
        ("第一次称重已保存", "装卸后再来称一次"),
        ("The first weighing is saved", "Come back after loading or unloading"),
    ),
    "VEH-33": _done(
        Safe.SAVED,
        ("磅单已完成并保存", "请车辆下秤"),
        ("The ticket is done and saved", "Drive the vehicle off the scale"),
    ),
    "VEH-25": _warn(
        Safe.SAVED,
        ("联单编号是2022年以前的格式", "核对联单编号"),
        ("The manifest number has the form of before 2022", "Check the number"),
    ),
}

MESSAGES: dict[str, Message] = SCALE | VEHICLE | PRINTER | SCANNER | NETWORK | HELD | BOX | PAGE
