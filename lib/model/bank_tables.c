/* The constant tables of the synthetic bank.  All invented; numbers of telephones and
 * identity cards that come of them may exist by chance and belong to nobody here. */
#include "model/bank_int.h"

const char *const bank_event_names[EV_TYPES] = {
	[EV_APP_START] = "app_start",
	[EV_PAGE_VIEW] = "page_view",
	[EV_LOGIN] = "login",
	[EV_SEARCH] = "search",
	[EV_BANNER_SHOW] = "banner_show",
	[EV_BANNER_CLICK] = "banner_click",
	[EV_VIEW_BALANCE] = "view_balance",
	[EV_SIGN_IN] = "sign_in",
	[EV_VIEW_PRODUCT] = "view_product",
	[EV_CLICK_BUY] = "click_buy",
	[EV_SUBMIT_ORDER] = "submit_order",
	[EV_PAY_SUCCESS] = "pay_success",
	[EV_REDEEM_SUCCESS] = "redeem_success",
	[EV_TRANSFER_START] = "transfer_start",
	[EV_TRANSFER_SUCCESS] = "transfer_success",
	[EV_OPEN_START] = "open_start",
	[EV_UPLOAD_ID] = "upload_id",
	[EV_FILL_INFO] = "fill_info",
	[EV_FACE_VERIFY] = "face_verify",
	[EV_OPEN_SUCCESS] = "open_success",
	[EV_LOAN_VIEW] = "loan_view",
	[EV_LOAN_FILL] = "loan_fill",
	[EV_LOAN_SUBMIT] = "loan_submit",
	[EV_LOAN_APPROVED] = "loan_approved",
	[EV_CAMPAIGN_ASSIGNED] = "campaign_assigned",
	[EV_CAMPAIGN_SHOW] = "campaign_show",
	[EV_CAMPAIGN_CLICK] = "campaign_click",
	[EV_APP_CRASH] = "app_crash",
	[EV_APP_END] = "app_end",
};

const char *const bank_os_names[OS_NUM] = { "iOS", "Android", "Windows", "macOS" };
const char *const bank_channel_names[CH_NUM + 1] = { "app", "miniprogram", "web",
						     "tablet", "core" };
const char *const bank_client_names[CL_NUM] = { "app/iOS", "app/Android", "miniprogram",
						"web", "tablet" };
const char *const bank_arm_names[ARM_NUM] = { "none", "control", "treated" };
const char *const bank_fault_names[CDP_BANK_FAULTS] = { "sound", "cut", "utf8", "type",
							"future" };

const struct bank_page bank_pages[PAGES] = {
	[PAGE_HOME] = { "/", "Home", "首页" },
	[PAGE_LOGIN] = { "/login", "Login", "登录" },
	[PAGE_PRODUCT] = { "/product", "ProductDetail", "产品详情" },
	[PAGE_RESULT] = { "/order/result", "PayResult", "支付结果" },
	[PAGE_OPEN] = { "/open", "OpenAccount", "在线开户" },
	[PAGE_FREE] = { "/wealth", "WealthHome", "理财首页" },
	{ "/fund", "FundChannel", "基金频道" },
	{ "/mine", "Mine", "我的" },
	{ "/account", "AccountDetail", "账户明细" },
	{ "/deposit", "DepositZone", "存款专区" },
	{ "/transfer", "Transfer", "转账汇款" },
	{ "/card", "CreditCard", "信用卡" },
	{ "/loan", "LoanCenter", "贷款中心" },
	{ "/life", "LifePayment", "生活缴费" },
	{ "/mall", "PointsMall", "积分商城" },
	{ "/activity", "ActivityCenter", "活动中心" },
	{ "/pension", "Pension", "个人养老金" },
	{ "/gold", "Gold", "贵金属" },
	{ "/insurance", "Insurance", "保险" },
	{ "/fx", "ForeignExchange", "外汇牌价" },
	{ "/news", "Market", "市场资讯" },
	{ "/service", "Service", "在线客服" },
	{ "/branch", "Branch", "网点查询" },
	{ "/settings", "Settings", "安全设置" },
};

const struct bank_kind bank_kinds[KINDS] = {
	{ "F", "fund", "基金", "混合基金", 2, 5, 0 },
	{ "W", "wealth", "理财", "理财计划", 1, 3, 90 },
	{ "D", "deposit", "存款", "大额存单", 1, 1, 365 },
	{ "P", "pension", "养老金", "养老目标基金", 2, 4, 0 },
	{ "G", "gold", "贵金属", "积存金", 3, 4, 0 },
	{ "I", "insurance", "保险", "年金保险", 1, 2, 1825 },
};
const char *const bank_product_words[16] = {
	"稳健", "安心", "添利", "日日", "季季", "年年", "鑫享", "智选",
	"成长", "价值", "蓝筹", "双利", "如意", "聚宝", "领航", "恒盈",
};

const struct bank_utm bank_utms[UTMS] = {
	{ "", "", "", "" },
	{ "baidu", "sem", "理财品牌词", "https://www.baidu.com/s" },
	{ "douyin", "feed", "spring_fund", "https://www.douyin.com/" },
	{ "tonghuashun", "app", "开户有礼", "https://www.10jqka.com.cn/" },
	{ "toutiao", "feed", "spring_fund", "https://www.toutiao.com/" },
	{ "gdt", "feed", "card_2024", "https://e.qq.com/" },
	{ "wechat", "social", "share", "https://mp.weixin.qq.com/" },
	{ "edm", "email", "monthly", "" },
};

const char *const bank_keywords[KEYWORDS] = {
	"基金", "理财",     "大额存单", "转账限额", "信用卡", "贷款",     "余额宝",
	"黄金", "国债",     "利率",     "养老金",   "账单",   "银证转账", "网点",
	"挂失", "手机充值", "社保",     "公积金",   "保险",   "货币基金",
};

const struct bank_model bank_ios[8] = {
	{ "Apple", "Apple", "iPhone15,3", "17.4.1" },
	{ "Apple", "Apple", "iPhone15,2", "17.3" },
	{ "Apple", "Apple", "iPhone14,5", "16.7.2" },
	{ "Apple", "Apple", "iPhone14,2", "17.2.1" },
	{ "Apple", "Apple", "iPhone13,2", "16.6" },
	{ "Apple", "Apple", "iPhone12,1", "15.8" },
	{ "Apple", "Apple", "iPhone16,1", "17.4.1" },
	{ "Apple", "Apple", "iPhone14,6", "16.3.1" },
};
const struct bank_model bank_android[16] = {
	{ "HUAWEI", "HUAWEI", "ALN-AL00", "12" },
	{ "HUAWEI", "HUAWEI", "NOH-AN00", "12" },
	{ "HUAWEI", "HUAWEI", "ELS-AN00", "10" },
	{ "HUAWEI", "HUAWEI", "BRA-AL00", "12" },
	{ "Xiaomi", "Xiaomi", "23127PN0CC", "14" },
	{ "Xiaomi", "Redmi", "22101316C", "13" },
	{ "Xiaomi", "Redmi", "M2012K11AC", "12" },
	{ "Xiaomi", "Xiaomi", "2211133C", "13" },
	{ "OPPO", "OPPO", "PHZ110", "13" },
	{ "OPPO", "OPPO", "PGEM10", "12" },
	{ "OPPO", "OnePlus", "PJD110", "14" },
	{ "vivo", "vivo", "V2309A", "14" },
	{ "vivo", "vivo", "V2183A", "12" },
	{ "vivo", "iQOO", "V2217A", "13" },
	{ "HONOR", "HONOR", "PGT-AN10", "13" },
	{ "HONOR", "HONOR", "ANY-AN00", "11" },
};
const struct bank_model bank_pad[4] = {
	{ "Apple", "Apple", "iPad13,4", "17.3" },
	{ "Apple", "Apple", "iPad12,1", "16.5" },
	{ "Apple", "Apple", "iPad14,1", "17.4.1" },
	{ "Apple", "Apple", "iPad11,6", "15.7" },
};

const char *const bank_agents[OS_NUM] = {
	"Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 "
	"(KHTML, like Gecko) Version/17.3 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Linux; Android 13; V2217A) AppleWebKit/537.36 (KHTML, like Gecko) "
	"Chrome/121.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like "
	"Gecko) Chrome/122.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, "
	"like Gecko) Version/17.2 Safari/605.1.15",
};

/* Android loses at the payment (binding a card) and at the picture of the identity card;
 * the web loses everywhere.  Columns: iOS, Android, mini program, web, tablet. */
const struct bank_funnel_def bank_funnels[FUNNELS] = {
	{ "purchase",
	  4,
	  { EV_VIEW_PRODUCT, EV_CLICK_BUY, EV_SUBMIT_ORDER, EV_PAY_SUCCESS },
	  { { 420, 400, 330, 260, 500 },
	    { 640, 610, 560, 480, 700 },
	    { 860, 560, 760, 640, 900 } } },
	{ "account_opening",
	  5,
	  { EV_OPEN_START, EV_UPLOAD_ID, EV_FILL_INFO, EV_FACE_VERIFY, EV_OPEN_SUCCESS },
	  { { 820, 800, 740, 700, 900 },
	    { 780, 480, 640, 560, 850 },
	    { 800, 780, 720, 650, 900 },
	    { 900, 860, 800, 700, 950 } } },
	{ "loan",
	  4,
	  { EV_LOAN_VIEW, EV_LOAN_FILL, EV_LOAN_SUBMIT, EV_LOAN_APPROVED },
	  { { 300, 290, 250, 220, 400 },
	    { 620, 600, 500, 420, 650 },
	    { 550, 550, 550, 550, 550 } } },
};

const struct bank_branch bank_branches[BRANCHES] = {
	{ "0101", "总行营业部", "北京" }, { "0102", "海淀支行", "北京" },
	{ "0201", "上海分行", "上海" },   { "0202", "浦东支行", "上海" },
	{ "0301", "深圳分行", "深圳" },   { "0302", "广州分行", "广州" },
	{ "0401", "杭州分行", "杭州" },   { "0402", "南京分行", "南京" },
	{ "0501", "成都分行", "成都" },   { "0502", "重庆分行", "重庆" },
	{ "0601", "武汉分行", "武汉" },   { "0602", "西安分行", "西安" },
};

const struct bank_tier bank_tiers[TIERS] = {
	{ "below_10k", "普通", 0, 400 },      { "10k_50k", "普通", 1000000, 250 },
	{ "50k_300k", "金卡", 5000000, 200 }, { "300k_1m", "白金", 30000000, 100 },
	{ "1m_6m", "钻石", 100000000, 45 },   { "6m_up", "私人银行", 600000000, 5 },
};
const int64_t bank_tier_top = 3000000000;

/* The last four are rare: GB18030 has them in four bytes, GBK not at all. */
const char *const bank_surnames[64] = {
	"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周",   "吴",   "徐", "孙", "胡",
	"朱", "高", "林", "何", "郭", "马", "罗", "梁", "宋",   "郑",   "谢", "韩", "唐",
	"冯", "于", "董", "萧", "程", "曹", "袁", "邓", "许",   "傅",   "沈", "曾", "彭",
	"吕", "苏", "卢", "蒋", "蔡", "贾", "丁", "魏", "薛",   "叶",   "阎", "余", "潘",
	"杜", "戴", "夏", "钟", "汪", "田", "任", "姜", "欧阳", "司马", "䶮", "𠮷",
};
const char *const bank_given[64] = {
	"伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰",
	"娟", "涛", "明", "超", "秀", "霞", "平", "刚", "桂", "英", "华", "玉", "萍",
	"红", "建", "文", "辉", "力", "宇", "浩", "凯", "健", "俊", "帆", "雪", "琳",
	"晨", "倩", "颖", "佳", "欣", "怡", "梓", "涵", "轩", "博", "睿", "思", "雨",
	"嘉", "子", "昊", "诗", "婷", "慧", "莹", "洁", "龙", "飞", "鹏", "億",
};
const char *const bank_jobs[8] = { "职员",   "教师",   "医生", "个体工商户",
				   "工程师", "公务员", "退休", "自由职业" };

/* Six digits each: districts of the national standard. */
const char *const bank_areas[32] = {
	"110101", "110105", "110108", "120101", "130102", "140105", "210102", "210202",
	"220102", "230102", "310101", "310104", "310115", "320102", "320505", "330102",
	"330106", "340102", "350102", "360102", "370102", "370202", "410102", "420102",
	"420106", "430102", "440103", "440305", "500103", "510104", "610102", "620102",
};

const char *const bank_junk[6] = {
	"null",        "undefined",        "00000000-0000-0000-0000-000000000000",
	"13800138000", "0000000000000000", "-1"
};

const uint32_t bank_hours[2][24] = {
	{ 12, 6,  4,  3,  3,  8,  25, 60, 90, 105, 110, 85,
	  95, 70, 75, 80, 75, 70, 65, 70, 95, 100, 70,  32 },
	{ 20, 10, 6,  4,  4,  5,  12, 30, 55, 80, 90, 80,
	  80, 70, 70, 72, 70, 65, 65, 75, 95, 98, 75, 42 },
};
