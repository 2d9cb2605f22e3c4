"""The 65 departments that answer the citizens' hotline, and the 94 lines that were merged into it."""

from __future__ import annotations

import numpy as np

from demo_city.columns import Columns

_DEPARTMENTS: tuple[tuple[str, str, str, int, str], ...] = (
    ("data_bureau", "临澜市数据局", "市数据局 数据局 大数据管理局 12345中心", 3, "12345 市长公开 政务咨询"),
    (
        "citymgmt",
        "临澜市城市管理局",
        "市城管局 城市管理局 城管局 执法局 市城市管理行政执法局",
        4,
        "城管 数字城管 市容环卫 渣土举报",
    ),
    ("police", "临澜市公安局", "市公安局 公安局 公安", 4, "公安非警务 户政 出入境 反诈咨询"),
    ("traffic_police", "临澜市公安局交通警察支队", "交警支队 市交警 交警", 2, "交管 车驾管"),
    (
        "housing",
        "临澜市住房和城乡建设局",
        "市住建局 住建局 市住房城乡建设局 住房和城乡建设局",
        5,
        "住建 物业 房产 工程质量 住房保障",
    ),
    (
        "human_resources",
        "临澜市人力资源和社会保障局",
        "市人社局 人社局 人力资源社会保障局 劳动局",
        3,
        "社保 劳动监察 人才",
    ),
    ("market", "临澜市市场监督管理局", "市市监局 市场监管局 市监局 工商局", 5, "12315 质量 食药 价格 特种设备"),
    ("environment", "临澜市生态环境局", "市生态环境局 生态环境局 环保局", 2, "12369 环保"),
    ("water", "临澜市水务局", "市水务局 水务局", 2, "供水管理 排水"),
    ("hydrology", "临澜市水利局", "市水利局 水利局", 2, "防汛 河长"),
    ("transport", "临澜市交通运输局", "市交通局 交通运输局 交通局", 5, "12328 公交 出租 公路 水上交通"),
    ("education", "临澜市教育局", "市教育局 教育局 教体局", 2, "教育 招生"),
    ("health", "临澜市卫生健康委员会", "市卫健委 卫健委 卫生局", 3, "12320 计生 医政"),
    ("civil", "临澜市民政局", "市民政局 民政局", 2, "民政 养老"),
    ("emergency", "临澜市应急管理局", "市应急局 应急管理局 应急局 安监局", 2, "12350 应急"),
    ("fire", "临澜市消防救援支队", "消防支队 市消防 消防救援局", 1, "96119"),
    ("resources", "临澜市自然资源和规划局", "市资规局 资规局 自然资源局 国土局 规划局", 3, "12336 不动产 规划"),
    ("agriculture", "临澜市农业农村局", "市农业农村局 农业局 农委", 2, "12316 农机"),
    ("commerce", "临澜市商务局", "市商务局 商务局", 2, "12312 预付卡"),
    ("tourism", "临澜市文化广电和旅游局", "市文旅局 文广旅局 文旅局 旅游局", 2, "12301 12318"),
    ("medical_insurance", "临澜市医疗保障局", "市医保局 医保局", 1, "12393"),
    ("housing_fund", "临澜市住房公积金管理中心", "公积金中心 公积金", 1, "12329"),
    ("tax", "国家税务总局临澜市税务局", "市税务局 税务局", 1, "12366"),
    ("judicial", "临澜市司法局", "市司法局 司法局", 1, "12348"),
    ("petition", "临澜市信访局", "市信访局 信访局", 1, "信访"),
    ("finance", "临澜市地方金融监督管理局", "市金融局 金融监管局 金融办", 1, "非法集资举报"),
    ("treasury", "临澜市财政局", "市财政局 财政局", 1, "财政"),
    ("statistics", "临澜市统计局", "市统计局 统计局", 1, "12340"),
    ("development", "临澜市发展和改革委员会", "市发改委 发改委", 1, "发改"),
    ("industry", "临澜市工业和信息化局", "市工信局 工信局 经信委", 1, "工信"),
    ("science", "临澜市科学技术局", "市科技局 科技局", 1, "科技"),
    ("weather", "临澜市气象局", "市气象局 气象局 气象台", 1, "12121"),
    ("sports", "临澜市体育局", "市体育局 体育局", 1, "体育"),
    ("veterans", "临澜市退役军人事务局", "退役军人局 市退役军人局", 1, "退役军人"),
    ("approval", "临澜市行政审批局", "市审批局 行政审批局 政务服务中心", 2, "政务服务 审批"),
    ("grid", "中共临澜市委政法委员会", "市委政法委 政法委 综治办", 1, "网格服务"),
    ("opinion", "临澜市互联网信息办公室", "市网信办 网信办", 1, "12377"),
    ("party", "中共临澜市委组织部", "市委组织部 组织部", 1, "12380"),
    ("forestry", "临澜市园林和林业局", "市园林局 园林局 绿化局", 1, "园林"),
    ("maritime", "临澜海事局", "海事局 市海事", 1, "12395"),
    ("postal", "临澜市邮政管理局", "邮政管理局 邮管局", 1, "12305"),
    ("tobacco", "临澜市烟草专卖局", "烟草局 市烟草", 1, "12313"),
    ("salt_customs", "临澜海关", "海关 市海关", 1, "12360"),
    ("union", "临澜市总工会", "市总工会 工会", 1, "12351"),
    ("youth", "共青团临澜市委员会", "团市委 共青团", 1, "12355"),
    ("women", "临澜市妇女联合会", "市妇联 妇联", 1, "12338"),
    ("disabled", "临澜市残疾人联合会", "市残联 残联", 1, "12385"),
    ("power", "国网临澜供电公司", "供电公司 国网临澜 电力公司", 1, "95598联动"),
    ("water_company", "临澜水务集团有限公司", "水务集团 自来水公司", 1, "自来水服务"),
    ("gas", "临澜燃气集团有限公司", "燃气集团 燃气公司 天然气公司", 1, "燃气服务"),
    ("heat", "临澜热力有限公司", "热力公司", 1, "供热服务"),
    ("bus", "临澜公共交通集团有限公司", "公交集团 公交公司", 1, "公交服务"),
    ("metro", "临澜轨道交通集团有限公司", "轨道公司 地铁公司", 1, "地铁服务"),
    ("telecom", "临澜市通信发展管理办公室", "通管办 通信管理", 1, "12300"),
    ("broadcast", "临澜广播电视网络有限公司", "广电网络 有线电视", 1, "有线电视服务"),
    ("funeral", "临澜市殡葬管理处", "殡葬处 殡仪馆", 1, "殡葬服务"),
    ("parking", "临澜城市停车有限公司", "停车公司", 1, "停车服务"),
)
"""Key, name, other ways it is written, number of lines, their names (the rest are lines of the same office)."""
_COUNTIES = (
    ("county_990113", "澜中区人民政府", "澜中区 澜中区政府 中川区 北港区"),
    ("county_990112", "望洲区人民政府", "望洲区 望洲区政府"),
    ("county_990114", "海湾区人民政府", "海湾区 海湾区政府 海湾市"),
    ("county_990181", "启澜市人民政府", "启澜市 启澜市政府"),
    ("county_990182", "如川市人民政府", "如川市 如川市政府"),
    ("county_990185", "安澜市人民政府", "安澜市 安澜市政府 安澜县"),
    ("county_990123", "如海县人民政府", "如海县 如海县政府"),
    ("county_990171", "临澜经济技术开发区管理委员会", "开发区 经开区 开发区管委会"),
)
"""The counties' governments answer too, without a line of their own."""


def departments() -> Columns:
    """``department_key name_zh aliases level is_hotline_member lines_n``.

    `level` is ``city``, ``enterprise`` or ``county``; `aliases` are lists: the ways in which others write the name, the
    usual one first.
    """
    rows = [(key, name, aliases.split(), lines) for key, name, aliases, lines, _ in _DEPARTMENTS]
    rows += [(key, name, aliases.split(), 0) for key, name, aliases in _COUNTIES]
    aliases = np.empty(len(rows), dtype=object)
    aliases[:] = [row[2] for row in rows]
    is_firm = ["公司" in row[1] for row in rows]
    level = np.where(is_firm, "enterprise", np.where([row[3] == 0 for row in rows], "county", "city"))
    return Columns(
        department_key=np.array([row[0] for row in rows], dtype=object),
        name_zh=np.array([row[1] for row in rows], dtype=object),
        aliases=aliases,
        level=level.astype(object),
        is_hotline_member=np.ones(len(rows), bool),
        lines_n=np.array([row[3] for row in rows], dtype=np.int64),
    )


def hotline_lines() -> Columns:
    """``line_no name_zh department_key``: the lines that were merged into 12345."""
    rows = [(f"{word}热线", key) for key, _, _, _, words in _DEPARTMENTS for word in words.split()]
    return Columns(
        line_no=np.array([f"L{number:03d}" for number in range(1, len(rows) + 1)], dtype=object),
        name_zh=np.array([row[0] for row in rows], dtype=object),
        department_key=np.array([row[1] for row in rows], dtype=object),
    )
