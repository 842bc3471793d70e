"""Chinese words of the scripted teacher, in the same slots as the English ones."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

from app.demo_teacher.grammar.vocabulary import Words, listed

CHINESE: Words = {
    "role": listed(
        "灯塔看守人,养蜂人,电车司机,面包师,渡轮船长,乡村医生,钟表匠,茶叶商人,图书管理员,"
        "木偶师,山路向导,学校厨师,钢琴调音师,桥梁工程师,电台主持人,邮递员,牧羊人,象棋教练,"
        "自行车修理工,合唱团团长,气象观察员,玩具发明家,珊瑚潜水员,盐田工人,风筝匠人,公交司机,"
        "果园主,舞蹈老师,洗衣店老板,税务顾问",
        ",",
    ),
    "quality": listed(
        "耐心的,健忘的,退休的,害羞的,好奇的,疲惫的,慷慨的,固执的,新来的,迷信的,开朗的,忙碌的,"
        "想家的,细心的,孤独的,健谈的,急躁的,自学成才的,节俭的,骄傲的",
        ",",
    ),
    "thing": listed(
        "雨伞,铜钥匙,纸灯笼,木箱,种子袋,玻璃瓶,羊毛毯,自行车铃,怀表,泥砖,火车票,银勺,粉笔,"
        "天鹅绒窗帘,瓷杯,借书证,渔网,皮靴,打字机,核桃壳,缝衣针,指南针,果酱罐,折叠椅,邮票,"
        "工具箱,风铃,烤盘,弹珠,花盆",
        ",",
    ),
    "subject": listed(
        "潮汐,面团发酵,候鸟迁徙,复利,火山土壤,睡眠周期,彩虹,自行车齿轮,蜂蜜,地震,公共图书馆,"
        "肥皂泡,太阳能板,泡菜,无线电波,树木年轮,珊瑚礁,列车时刻表,沙漠夜晚,废纸回收,通货膨胀,"
        "室内植物,噪音污染,雪花,民间舞蹈,冰川,夜市,电动公交,月相,香料",
        ",",
    ),
    "place": listed(
        "水上集市,山间小屋,废弃的剧院,小岛,边境小镇,沙漠客栈,屋顶花园,地铁站,渔港,香料市场,"
        "安静的寺院,夜行列车,高原,旧船厂,盐矿,科考站,葡萄园,竹林,社区厨房,电车车库",
        ",",
    ),
    "event": listed(
        "丰收节,停电,春汛,日食,帆船赛,公交罢工,第一场雪,突击检查,灯会,热浪,校友聚会,象棋比赛,"
        "夜市开张,小镇选举,沙尘暴,风筝大赛,雨中的婚礼,末班渡轮,面包短缺,大雾的一周",
        ",",
    ),
    "audience": listed(
        "小学生,新选民,夜班护士,酒店客人,学徒,交换生,退休水手,上班族,业余厨师,镇议会,初学者,"
        "年轻农民,博物馆游客,祖父母,登山爱好者,店员,园艺爱好者,合唱团成员",
        ",",
    ),
    "genre": listed(
        "短篇故事,俳句,产品介绍,打包清单,新闻稿,道歉信,招聘启事,睡前故事,一周食谱,安全清单,"
        "日记,告别演讲,学习指南,广告语,新闻报道,感谢信,谜语,旅行计划,书评,教案,寓言,采访稿,"
        "请愿书,使用说明,情书",
        ",",
    ),
    "constraint": listed(
        "不超过{n 30-300}个字|不要提到{subject}|用{quality}{role}的口吻|正好写{n 3-12}句话|"
        "结尾要问一个关于{subject}的问题|让{audience}也能看懂|至少两次提到{thing}|"
        "语气要{mood}|并给出{n 2-6}个理由|用{subject}来打比方|同时说明对{audience}的影响|"
        "并取一个含有{place}的标题|最后写出{role}下一步该做什么",
        "|",
    ),
    "mood": listed(
        "忧郁,活泼,庄重,平淡,温柔,紧张,喜庆,讽刺,平静,充满希望",
        ",",
    ),
    "deed": listed(
        "继承了{n 30-900}个{thing}|弄丢了一封信|必须在{event}之前穿过{place}|"
        "用{thing}换{thing}|给{audience}讲{subject}|在{place}住了{n 2-30}天|"
        "忘记了{event}的日期|与{role}争论{thing}|发明了研究{subject}的机器|向{audience}道歉|"
        "梦见了{place}|结识了一位{quality}{role}",
        "|",
    ),
    "textkind": listed(
        "段落,邮件,通知,信,对话,日记,广告,评论,公告,演讲稿,报告,句子",
        ",",
    ),
    "person": listed(
        "一位{quality}{role}|{place}的{role}|{quality}{role}|带着{goods}的{role}|一位想当{role}的孩子"
        "|{role}和{quality}朋友|两位研究{subject}的{role}|害怕{subject}的{role}",
        "|",
    ),
    "goods": listed(
        "{thing}|{n 3-300}个{thing}|{place}的{thing}|{thing}和{thing}"
        "|旧{thing}|给{audience}的{thing}",
        "|",
    ),
    "topic": listed(
        "{subject}|{subject}与{subject}|{place}的{subject}|{event}之后的{subject}|{role}眼中的{subject}"
        "|被遗忘的{subject}|{subject}的历史",
        "|",
    ),
    "label": listed(
        "有用,无害,紧急,过时,专业,私人,官方,好笑,悲伤,可疑,友好,愤怒,季节性,本地,国外,昂贵,便宜,最新,"
        "商业,政治,艺术,实用,法律,医学,体育,饮食,音乐,历史,虚构,乡村,城市,幼稚,成熟,诚实,夸张,含糊,精确",
        ",",
    ),
    "choice": listed(
        "{label}或{label}|{label}、{label}或{label}|{label}、{label}、{label}或{label}"
        "|{fixed choice}",
        "|",
    ),
    "fixed choice": listed(
        "正面或负面|正式或随意|事实或观点|紧急或普通|垃圾邮件或正常邮件|礼貌或粗鲁|"
        "安全或危险|过去、现在或将来|表扬、投诉或请求|科学、体育、政治或文化",
        "|",
    ),
}
"""Slots by name; a word may hold further slots."""

OPEN_TASKS: tuple[str, ...] = (
    "写一篇{genre}，讲述{person}{deed}的经过，{constraint}。",
    "以{place}和{event}为背景写一篇关于{topic}的{genre}，{constraint}。",
    "向{audience}解释{topic}为什么离不开{topic}，{constraint}。",
    "如果{person}{deed}，{place}会发生什么变化？{constraint}。",
    "比较{topic}和{topic}，{constraint}，{constraint}。",
    "为{place}的一家店想{n 3-12}个名字，店主是{person}，主要卖{goods}，{constraint}。",
    "改写下面这篇谈{topic}的{textkind}，使它适合{audience}，{constraint}。",
    "{person}花{n 2-19}元一个买进{goods}，{event}后以{n 20-60}元卖给{audience}，能赚多少？",
    "用{n 90-9000}元和{goods}为{audience}筹备{event}，{constraint}。",
    "列出{person}在{place}过{event}时需要的{n 4-15}样东西，{constraint}。",
    "根据{person}写的{textkind}，总结{topic}的{n 2-6}个要点，{constraint}。",
    "假设你是{person}，给{audience}写一封关于{event}的{genre}，{constraint}。",
    "用{goods}为{audience}设计一个游戏，主题是{topic}，{constraint}。",
    "给{person}提{n 3-7}条与{audience}谈论{topic}的建议，{constraint}。",
    "续写故事：{person}{deed}，{constraint}。",
    "调解{person}与{person}因{goods}发生的争执，{constraint}。",
)

CLASSIFICATION_TASKS: tuple[str, ...] = (
    "判断{person}写的这段关于{topic}的{textkind}属于{choice}。",
    "将{event}后{person}寄给{audience}的{textkind}分类为{choice}。",
    "给{place}里谈{topic}的每条留言标注类别：{choice}。",
    "{person}关于{topic}和{goods}的说法是{choice}？",
)

COMMON_TASKS: tuple[str, ...] = (
    "用三句话总结这篇文章的主要内容。",
    "给我五个健康午餐的建议和做法。",
    "把下面的句子翻译成正式的英文。",
    "解释天气与气候之间的区别。",
)
"""The fixed small list that near-copies are also made from."""

FLAWED_TASKS: tuple[str, ...] = (
    "讲笑话",
    "",
    "描述这张图片中的{place}，{constraint}。",
    "画一张{subject}的曲线图。",
    "打开关于{subject}的文件并数一数{thing}。",
    "（可选）解释{subject}，{constraint}。",
)
"""Tasks that quality rules should drop, each by another rule."""

PASSAGE_SENTENCES: tuple[str, ...] = (
    "{role}把{n 3-90}个{thing}放在门边，整个{event}都在谈{subject}。",
    "{place}里没有人想到{subject}会这么重要。",
    "{event}之后，{thing}卖到每个{n 4-60}元。",
    "一位{quality}{role}写道，{subject}从{event}起就变了。",
    "请在{event}开始之前归还{thing}。",
)

ANSWER_SENTENCES: tuple[str, ...] = (
    "简单来说，{subject}取决于{audience}怎样看待{thing}。",
    "{quality}{role}会先处理{thing}，再考虑{subject}。",
    "首先准备{n 2-40}个{thing}，然后在{event}之前检查一遍。",
    "答案是{n 2-900}，{place}里的{thing}只算一次。",
    "对{audience}来说，最重要的是{subject}。",
)

QUESTIONS: tuple[str, ...] = (
    "{subject}在{place}是怎么回事？",
    "能不能给{audience}讲讲@？",
    "{quality}{role}应该知道@的哪些方面？",
    "{event}之后会怎么样？",
)

HARDER: tuple[str, ...] = (
    "同时考虑{place}里一位{quality}{role}在{event}期间的看法。",
    "至少给出{n 3-6}个理由，并与{subject}作比较。",
    "写出每一步推理，并指出{audience}最容易出错的地方。",
)

REASONS: tuple[str, ...] = (
    "第二段多了一个关于{subject}的要求。",
    "内容清楚完整，适合{audience}。",
    "两段的深度和广度相同。",
)
