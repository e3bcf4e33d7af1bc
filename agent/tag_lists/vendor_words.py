"""What vendors, and technicians, call the columns of a tag list and what is in them, in English and Chinese (pure)."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

# Without case, spaces and signs; what is missing here is called as in our own tag files.
_TITLES: dict[str, tuple[str, ...]] = {
    "name": (
        *("tag", "tagname", "signal", "signalname", "point", "pointname", "parameter", "variable", "variablename"),
        *("变量名", "变量名称", "变量", "点名", "点名称", "点位", "点位名", "点位名称", "测点", "测点名", "测点名称"),
        *("标签", "标签名", "标签名称", "位号", "信号名", "信号名称", "参数名", "参数名称", "参数", "名称", "名字"),
    ),
    "device": ("设备", "设备名", "设备名称", "所属设备"),
    "protocol": ("protocol", "interface", "协议", "通讯协议", "通信协议", "协议类型"),
    "unit_id": (
        *("unitid", "slave", "slaveid", "slaveaddress", "stationaddress", "deviceid", "modbusid"),
        *("站号", "从站号", "从站地址", "从机地址", "从机号", "设备地址", "单元号", "单元标识", "通讯地址", "站地址"),
    ),
    "table": (
        *("table", "registertype", "area", "memory"),
        *("寄存器类型", "寄存器区", "存储区", "区域", "数据区", "寄存器种类"),
    ),
    "function": ("function", "functioncode", "fc", "功能码", "功能号", "读功能码"),
    "address": (
        *("register", "reg", "registeraddress", "modbusaddress", "registernumber", "start", "startaddress"),
        *("地址", "寄存器地址", "寄存器", "寄存器号", "起始地址", "modbus地址", "点位地址", "变量地址", "数据地址"),
    ),
    "type": ("datatype", "dataformat", "format", "数据类型", "类型", "变量类型", "数据格式", "格式"),
    "bit": ("位", "比特", "比特位", "bit位"),
    "order": (
        *("wordorder", "byteorder", "endianness", "endian"),
        *("字节序", "字节顺序", "字序", "字顺序", "字节排列", "大小端", "编码顺序", "数据顺序"),
    ),
    "length": ("quantity", "registercount", "长度", "字符串长度", "寄存器数量", "寄存器个数"),
    "scale": (
        *("factor", "multiplier", "gain", "scalefactor", "scaling"),
        *("比例", "系数", "比例系数", "倍率", "缩放", "缩放系数", "倍数", "变比", "乘数", "增益", "分辨率"),
    ),
    "offset": ("偏移", "偏移量", "偏置", "零点偏移"),
    "node": ("nodeid", "opcuanode", "opcnode", "节点", "节点id", "节点标识", "节点地址"),
    "unit": (
        *("units", "uom", "engineeringunit", "engineeringunits", "eu"),
        *("单位", "工程单位", "计量单位", "量纲"),
    ),
    "sentinels": ("无效值", "断线值", "故障值"),
    # never a plain minimum or maximum: vendors mean what may be set, or where an alarm begins
    "valid_min": ("有效下限", "有效最小值"),
    "valid_max": ("有效上限", "有效最大值"),
    "deadband": ("死区",),
    "totaliser": ("totalizer", "累计", "累计量", "累积量", "是否累计"),
}
_REMARKS = (
    *("description", "comment", "comments", "remark", "remarks", "note", "notes", "no", "number", "index"),
    *("描述", "说明", "备注", "注释", "序号", "编号", "中文名", "中文名称", "含义", "功能描述"),
)
_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "protocol": {
        "modbus-tcp": ("modbus", "modbustcp", "tcp", "mbtcp"),
        "modbus-rtu": ("modbusrtu", "rtu", "mbrtu", "rs485", "modbusrtu485", "modbusrtors485", "串口", "串行"),
        "modbus-rtu-over-tcp": ("modbusrtuovertcp", "rtuovertcp", "modbusrtutcp", "rtutcp"),
        "opcua": ("opcua", "opc", "ua"),
    },
    "table": {
        "holding": ("holdingregister", "holdingregisters", "hr", "4x", "保持寄存器", "保持", "4区"),
        "input": ("inputregister", "inputregisters", "ir", "3x", "输入寄存器", "3区"),
        "coil": ("coils", "0x", "线圈", "线圈状态", "输出线圈", "0区"),
        "discrete": ("discreteinput", "discreteinputs", "di", "1x", "离散输入", "离散量输入", "输入状态", "1区"),
    },
    "function": {  # that reads it: 3 reads the holding registers, whose addresses begin with 4 in manuals
        "coil": ("1", "01", "0x01", "fc1", "fc01", "01h"),
        "discrete": ("2", "02", "0x02", "fc2", "fc02", "02h"),
        "holding": ("3", "03", "0x03", "fc3", "fc03", "03h"),
        "input": ("4", "04", "0x04", "fc4", "fc04", "04h"),
    },
    "type": {
        "bool": ("boolean", "bit", "digital", "布尔", "布尔型", "布尔量", "开关量", "位"),
        "int16": (
            *("int", "short", "s16", "i16", "sint16", "signed16"),
            *("整型", "整数", "短整型", "有符号16位", "16位有符号", "16位有符号整数", "有符号整型", "16位整型"),
        ),
        "uint16": (
            *("word", "ushort", "u16", "uint", "unsigned16"),
            *("字", "无符号16位", "16位无符号", "16位无符号整数", "无符号整型", "无符号整数", "无符号短整型"),
        ),
        "int32": (
            *("dint", "long", "s32", "i32", "sint32", "signed32"),
            *("长整型", "双整型", "有符号32位", "32位有符号", "32位有符号整数", "32位整型"),
        ),
        "uint32": (
            *("dword", "udint", "ulong", "u32", "unsigned32"),
            *("双字", "无符号32位", "32位无符号", "32位无符号整数", "无符号长整型"),
        ),
        "int64": ("lint", "s64", "i64", "sint64", "有符号64位", "64位有符号", "64位有符号整数"),
        "uint64": ("lword", "ulint", "u64", "无符号64位", "64位无符号", "64位无符号整数"),
        "float32": (
            *("float", "real", "single", "f32", "ieee754"),
            *("浮点", "浮点型", "浮点数", "单精度", "单精度浮点", "单精度浮点数", "32位浮点", "32位浮点数", "实数"),
        ),
        "float64": ("double", "lreal", "f64", "双精度", "双精度浮点", "双精度浮点数", "64位浮点", "64位浮点数"),
        "bcd16": ("16位bcd", "16位bcd码"),
        "bcd32": ("32位bcd", "32位bcd码"),
        "string": ("text", "ascii", "字符串", "文本"),
    },
    "order": {
        "ABCD": ("ab", "big", "bigendian", "be", "1234", "msw", "mswfirst", "大端", "大端模式", "高字在前", "正序"),
        "CDAB": ("wordswap", "wordswapped", "swapped", "3412", "lsw", "lswfirst", "低字在前", "字交换", "小端字节交换"),
        "BADC": ("ba", "byteswap", "byteswapped", "2143", "字节交换", "大端字节交换"),
        "DCBA": ("little", "littleendian", "le", "4321", "小端", "小端模式", "反序", "倒序"),
    },
    "unit": {
        "m3/h": ("立方米小时", "立方米每小时", "方小时", "立方小时"),
        "m3": ("立方米", "立方"),
        "l/s": ("升秒", "升每秒"),
        "MPa": ("兆帕",),
        "kPa": ("千帕",),
        "bar": ("巴",),
        "m": ("米",),
        "kW": ("千瓦",),
        "kWh": ("千瓦时",),
        "kvar": ("千乏",),
        "A": ("安", "安培"),
        "V": ("伏", "伏特"),
        "Hz": ("赫兹", "赫"),
        "degC": ("摄氏度",),
        "rpm": ("转分", "转每分", "转分钟"),
        "mm/s": ("毫米秒", "毫米每秒"),
        "%": ("百分比",),
    },
    "totaliser": {"true": ("是", "真", "有"), "false": ("否", "假", "无")},
}
_HEXADECIMAL = re.compile(r"\b(hex|hexadecimal)\b|16进制|十六进制|\(h\)", re.IGNORECASE)


def key_of(title: str, ours: Iterable[str]) -> str | None:
    """What a title says, of our own words *ours* or as others write them; None where it says nothing we know."""
    plain = _plain(_HEXADECIMAL.sub("", unicodedata.normalize("NFKC", title)))
    own = {_plain(key): key for key in ours}
    return own.get(plain) or _theirs().get(plain)


def is_remark(title: str) -> bool:
    """Whether a column is for people only."""
    return _plain(title) in _REMARKS


def is_hexadecimal(title: str) -> bool:
    """Whether the numbers below a title are hexadecimal, as it says."""
    return _HEXADECIMAL.search(unicodedata.normalize("NFKC", title)) is not None


def word(key: str, cell: str) -> str:
    """A cell in our vocabulary; one we do not know stays, and is refused where it stands."""
    plain = _plain(cell)
    for ours, theirs in _WORDS.get(key, {}).items():
        if plain in theirs or (plain == _plain(ours) and key != "unit"):
            return ours
    return cell


@cache
def _theirs() -> dict[str, str]:
    return {title: key for key, titles in _TITLES.items() for title in titles}


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())
