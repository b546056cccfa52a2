"""What people type after /asm-upgrade, as Slack sends it: understood, or answered with what was meant."""

from __future__ import annotations

import pytest

from bot.clicks.orders import (
    Abort,
    Approve,
    BreakGlass,
    Decide,
    Deny,
    Extend,
    Order,
    Pause,
    ReadCalendar,
    ReadHelp,
    ReadHistory,
    ReadStatus,
    ReadWindows,
    Resume,
    Retry,
    Rollback,
    Schedule,
    Start,
    StartOptions,
)
from bot.windows.appointments import Written
from handlers.grammar import Misread, read_order

STATUS, PAUSE = ReadStatus("cluster-x"), Pause("cluster-x")
APPROVE, LATE = Approve("cluster-x", code="K7Q2MD"), Deny("cluster-x", reason="too late")
STRICT = Start("cluster-x", StartOptions(mtls="STRICT"))
SHOP = Start("cluster-x", StartOptions(canary_namespaces=("shop", "blog")))
KIALI = Start("cluster-x", StartOptions(flags=("values.kiali.enabled=true",)))
HOST = Start("cluster-x", StartOptions(flags=("host=mesh.example.com",)))
QUIET = Start("cluster-x", StartOptions(testing_workloads=False))
HOUR, NINETY = Extend("cluster-x", "1h", "slow pods"), Extend("cluster-x", "90min", "slow pods")
NIGHT = Schedule("cluster-x", Written("2026-12-01", "22:00", "Asia/Seoul"))
UNDERSTOOD: tuple[tuple[Order, tuple[str, ...]], ...] = (
    (
        STATUS,
        (
            "status cluster-x",
            "Status cluster-x",
            "STATUS CLUSTER-X",
            "status Cluster-X",
            "status cluster-x.",
            "status cluster-x!",
            "status cluster-x?",
            "status cluster-x,",
            "status: cluster-x",
            "status, cluster-x",
            "status `cluster-x`",
            "`status` `cluster-x`",
            "`status cluster-x`",
            "```status cluster-x```",
            "*status* cluster-x",
            "status *cluster-x*",
            "status _cluster-x_",
            "status ~cluster-x~",
            'status "cluster-x"',
            "status 'cluster-x'",
            "status “cluster-x”",
            "status ‘cluster-x’",
            "status «cluster-x»",
            "status „cluster-x“",
            "status (cluster-x)",
            "status [cluster-x]",
            "status &lt;cluster-x&gt;",
            "status\u00a0cluster-x",
            "status\u202fcluster-x",
            "status\u3000cluster-x",
            "status\u2009cluster-x",
            "status\tcluster-x",
            "status\ncluster-x",
            "  status   cluster-x  ",
            "\u200bstatus cluster-x",
            "status cluster-x\u200b",
            "status \u200bcluster-x",
            "status cluster\u2060-x",
            "status clus\u00adter-x",
            "status \ufeffcluster-x",
            "status \u202acluster-x\u202c",
            "status \u200e\u200fcluster-x",
            "status \u200b cluster-x",
            "status cluster‑x",
            "status cluster–x",
            "status cluster—x",
            "status cluster−x",
            "status #cluster-x",
            "status of cluster-x",
            "status for cluster-x",
            "status for the cluster-x",
            "/asm-upgrade status cluster-x",
            "`/asm-upgrade status cluster-x`",
            "asm-upgrade status cluster-x",
            "status <http://cluster-x|cluster-x>",
        ),
    ),
    (ReadStatus("<#C0MESH0001|cluster-x>"), ("status <#C0MESH0001|cluster-x>", "status of <#C0MESH0001|cluster-x>")),
    (ReadStatus("<#C0MESH0001>"), ("status <#C0MESH0001>",)),
    (ReadStatus("<#C0MESH0001|>"), ("status <#C0MESH0001|>",)),
    (ReadStatus(), ("status", "STATUS", "status.", "*status*", "/asm-upgrade status")),
    (ReadStatus("cluster-x-7"), ("status cluster-x-7", "status Cluster-X-7.", "status `cluster-x-7`")),
    (ReadHelp(), ("", " ", "help", "HELP", "help!", "?", "-h", "--help", "—help", "`help`", "/asm-upgrade", "\u200b")),
    (ReadHelp("start"), ("help start", "start help", "start --help", "start -help", "help `start`", "Help Start.")),
    (ReadHistory("cluster-x"), ("history cluster-x", "History of cluster-x.")),
    (ReadWindows("cluster-x"), ("windows cluster-x", "windows for cluster-x")),
    (ReadCalendar(), ("calendar", "Calendar.")),
    (PAUSE, ("pause cluster-x", "Pause cluster-x!", "pause the cluster-x", "pause “cluster-x”.")),
    (Resume("cluster-x"), ("resume cluster-x", "Resume *cluster-x*")),
    (Retry("cluster-x"), ("retry cluster-x", "RETRY `cluster-x`")),
    (
        APPROVE,
        (
            "approve cluster-x K7Q2MD",
            "approve cluster-x `K7Q2MD`",
            "approve cluster-x *K7Q2MD*",
            "approve cluster-x K7Q2MD.",
            "approve cluster-x code K7Q2MD",
            "approve cluster-x Code: K7Q2MD",
            "approve cluster-x \u200bK7Q2MD\u200b",
            "approve cluster-x “K7Q2MD”",
            "decide cluster-x K7Q2MD Approve.",
        ),
    ),
    (
        LATE,
        (
            "deny cluster-x too late",
            'deny cluster-x "too late"',
            "deny cluster-x “too late”",
            "deny cluster-x `too late`",
            "deny\u00a0cluster-x\u00a0too\u00a0late",
            "Deny Cluster-X too late",
            "deny cluster-x\u200b too late\u200b",
            "decide cluster-x K7Q2MD deny too late",
        ),
    ),
    (Deny("cluster-x", reason="R&D is <busy>"), ("deny cluster-x R&amp;D is &lt;busy&gt;",)),
    (Deny("cluster-x", reason="a &amp; b"), ("deny cluster-x a &amp;amp; b",)),
    (
        Deny("cluster-x", reason="see https://status.example.com/?a=1&b=2"),
        (
            "deny cluster-x see <https://status.example.com/?a=1&amp;b=2>",
            "deny cluster-x see <https://status.example.com/?a=1&amp;b=2|https://status.example.com/?a=1&amp;b=2>",
        ),
    ),
    (
        Deny("cluster-x", reason="ask ops@example.com"),
        (
            "deny cluster-x ask <mailto:ops@example.com|ops@example.com>",
            "deny cluster-x ask <mailto:ops@example.com>",
        ),
    ),
    (
        Deny("cluster-x", reason="ask @sre"),
        (
            "deny cluster-x ask <!subteam^S0SRE00001|@sre>",
            "deny cluster-x ask <!subteam^S0SRE00001|sre>",
        ),
    ),
    (Deny("cluster-x", reason="ask @S0SRE00001"), ("deny cluster-x ask <!subteam^S0SRE00001>",)),
    (
        Deny("cluster-x", reason="ask <@U0BEN00002>"),
        (
            "deny cluster-x ask <@U0BEN00002|ben>",
            "deny cluster-x ask <@U0BEN00002>",
        ),
    ),
    (
        Deny("cluster-x", reason="see <#C0OPS00001>"),
        (
            "deny cluster-x see <#C0OPS00001|ops>",
            "deny cluster-x see <#C0OPS00001>",
        ),
    ),
    (Deny("cluster-x", reason="not @here"), ("deny cluster-x not <!here>", "deny cluster-x not <!here|here>")),
    (Deny("cluster-x", reason="don't"), ("deny cluster-x don’t", "deny cluster-x don't")),
    (
        BreakGlass("cluster-x", reason="it is down", code="K7Q2MD"),
        (
            "break-glass cluster-x K7Q2MD it is down",
            "break glass cluster-x K7Q2MD it is down",
            "breakglass cluster-x K7Q2MD it is down",
            "Break_Glass cluster-x `K7Q2MD` it is down",
            "break–glass cluster-x K7Q2MD “it is down”",
        ),
    ),
    (
        Decide("cluster-x", reason="known check", choice="accept", code="K7Q2MD"),
        (
            "decide cluster-x K7Q2MD accept known check",
            "decide cluster-x K7Q2MD *Accept* known check",
            "decide cluster-x `K7Q2MD` `accept` known check",
        ),
    ),
    (Abort("cluster-x", "wrong week"), ("abort cluster-x wrong week", "Abort `cluster-x` “wrong week”")),
    (
        Rollback("cluster-x", "errors"),
        (
            "rollback cluster-x errors",
            "roll-back cluster-x errors",
            "Rollback cluster-x. errors",
        ),
    ),
    (
        STRICT,
        (
            "start cluster-x mtls=STRICT",
            "start cluster-x mtls=strict",
            "start cluster-x MTLS=Strict",
            "start cluster-x mTLS = strict",
            "start cluster-x mtls= strict",
            "start cluster-x mtls =strict",
            "start cluster-x mtls strict",
            "start cluster-x mtls: strict",
            "start cluster-x mtls:strict",
            "start cluster-x --mtls=STRICT",
            "start cluster-x --mtls STRICT",
            "start cluster-x —mtls=STRICT",
            "start cluster-x `mtls=STRICT`",
            "start cluster-x *mtls=STRICT*",
            "start cluster-x mtls=STRICT.",
            "start cluster-x mtls=“STRICT”",
            "start cluster-x with mtls=STRICT",
        ),
    ),
    (
        SHOP,
        (
            "start cluster-x canary=shop,blog",
            "start cluster-x canary=shop, blog",
            "start cluster-x canary=shop ,blog",
            "start cluster-x canary = shop , blog",
            "start cluster-x canary shop,blog",
            "start cluster-x canary=Shop,Blog.",
            "start cluster-x canary=`shop`,`blog`",
            "start cluster-x canary=“shop,blog”",
            "start cluster-x canary=shop canary=blog",
            "start cluster-x canary=shop and canary=blog",
            "start cluster-x canary_namespaces=shop,blog",
            "start cluster-x canary-namespaces=shop,blog",
            "start cluster-x canary=shop;blog",
        ),
    ),
    (
        KIALI,
        (
            "start cluster-x set values.kiali.enabled=true",
            "start cluster-x set=values.kiali.enabled=true",
            "start cluster-x --set values.kiali.enabled=true",
            "start cluster-x —set values.kiali.enabled=true",
            "start cluster-x --set=values.kiali.enabled=true",
            "start cluster-x set `values.kiali.enabled=true`",
            "start cluster-x set “values.kiali.enabled=true”",
            "start cluster-x set values.kiali.enabled=\u200btrue",
            "start cluster-x set values.kiali.enabled = true",
            "start cluster-x `set values.kiali.enabled=true`",
            'start cluster-x set values.kiali.enabled="true"',
            "start cluster-x set <http://values.kiali.enabled|values.kiali.enabled>=true",
        ),
    ),
    (
        Start("cluster-x", StartOptions(flags=("a.b=c d",))),
        (
            'start cluster-x set "a.b=c d"',
            'start cluster-x set a.b="c d"',
            "start cluster-x set “a.b=c d”",
        ),
    ),
    (
        HOST,
        (
            "start cluster-x set host=<http://mesh.example.com|mesh.example.com>",
            "start cluster-x set host=mesh.example.com",
        ),
    ),
    (
        Start("cluster-x", StartOptions(flags=("url=https://a.example.com/b",))),
        ("start cluster-x set url=<https://a.example.com/b>",),
    ),
    (Start("cluster-x", StartOptions(flags=("q=a&b",))), ("start cluster-x set q=a&amp;b",)),
    (
        QUIET,
        (
            "start cluster-x testing=no",
            "start cluster-x testing=No.",
            "start cluster-x testing=off",
            "start cluster-x testing=false",
            "start cluster-x testing no",
            "start cluster-x testing_workloads=no",
        ),
    ),
    (
        Start("cluster-x", StartOptions(earlier_options="leave")),
        (
            "start cluster-x earlier=leave",
            "start cluster-x earlier=Leave.",
            "start cluster-x earlier none",
            "start cluster-x earlier_options=leave",
            "start cluster-x Earlier-Options = no",
        ),
    ),
    (
        HOUR,
        (
            "extend cluster-x 1h slow pods",
            "extend cluster-x 1H slow pods",
            "extend cluster-x 1 h slow pods",
            "extend cluster-x by 1h slow pods",
            "extend cluster-x for 1 h slow pods",
            "extend cluster-x `1h` slow pods",
            "extend cluster-x 1h, slow pods",
            "extend cluster-x 1\u00a0h slow pods",
            "extend cluster-x 1h “slow pods”",
        ),
    ),
    (
        NINETY,
        (
            "extend cluster-x 90 min slow pods",
            "extend cluster-x 90min slow pods",
            "extend cluster-x 90 Min. slow pods",
        ),
    ),
    (Extend("cluster-x", "1hour30minutes", "slow pods"), ("extend cluster-x 1 hour 30 minutes slow pods",)),
    (Extend("cluster-x", "1.5h", "slow pods"), ("extend cluster-x 1.5h slow pods", "extend cluster-x 1.5 h slow pods")),
    (
        NIGHT,
        (
            "schedule cluster-x 2026-12-01 22:00 Asia/Seoul",
            "schedule cluster-x 2026-12-01, 22:00 Asia/Seoul",
            "schedule cluster-x on 2026-12-01 at 22:00 Asia/Seoul.",
            "schedule cluster-x `2026-12-01 22:00 Asia/Seoul`",
            "schedule cluster-x 2026‑12‑01 22:00 Asia/Seoul",
            "schedule cluster-x 2026-12-01T22:00 Asia/Seoul",
            "schedule cluster-x 2026-12-01\u00a022:00\u00a0Asia/Seoul",
            "Schedule Cluster-X 2026-12-01 22:00 in Asia/Seoul",
        ),
    ),
    (
        Schedule("cluster-x", Written("2026-12-01", "10pm", "New York")),
        (
            "schedule cluster-x 2026-12-01 10pm New York",
            "schedule cluster-x 2026-12-01 10 PM New York",
        ),
    ),
    (
        Schedule("cluster-x", Written("tomorrow", "22:00", "Seoul", "3h")),
        (
            "schedule cluster-x tomorrow 22:00 Seoul for 3h",
            "schedule cluster-x tomorrow at 22:00 Seoul for 3 h",
        ),
    ),
    (Schedule("cluster-x", Written("2026-12-01", "22:00", "UTC")), ("schedule cluster-x 2026-12-01T22:00Z",)),
)
ANSWERED = {
    "statsu cluster-x": "Did you mean `/asm-upgrade status cluster-x`?",
    "stauts": "Did you mean `/asm-upgrade status`?",
    "aprove cluster-x K7Q2MD": "Did you mean `/asm-upgrade approve cluster-x K7Q2MD`?",
    "appprove `cluster-x`": "Did you mean `/asm-upgrade approve cluster-x`?",
    "paus cluster-x": "Did you mean `/asm-upgrade pause cluster-x`?",
    "pase cluster-x": "Did you mean `/asm-upgrade pause cluster-x`?",
    "rolback cluster-x": "Did you mean `/asm-upgrade rollback cluster-x`?",
    "shedule cluster-x": "Did you mean `/asm-upgrade schedule cluster-x`?",
    "histroy": "Did you mean `/asm-upgrade history`?",
    "statuscluster-x": "Did you mean `/asm-upgrade status`?",
    "stat cluster-x": "`/asm-upgrade status cluster-x`",
    "cal": "Did you mean `/asm-upgrade calendar`?",
    "cluster-x status": "Did you mean `/asm-upgrade status cluster-x`?",
    "cluster-x pause": "Did you mean `/asm-upgrade pause cluster-x`?",
    "cluster-x": "Did you mean `/asm-upgrade status cluster-x`?",
    "upgrade cluster-x": "Did you mean `/asm-upgrade start cluster-x`?",
    "stop cluster-x": "Did you mean `/asm-upgrade pause cluster-x` or `/asm-upgrade abort cluster-x`?",
    "cancel cluster-x": "Did you mean `/asm-upgrade abort cluster-x`?",
    "undo cluster-x": "Did you mean `/asm-upgrade rollback cluster-x`?",
    "lgtm cluster-x": "Did you mean `/asm-upgrade approve cluster-x`?",
    "reject cluster-x": "Did you mean `/asm-upgrade deny cluster-x`?",
    "list": "Did you mean `/asm-upgrade status`?",
    "zzz": "The commands are start,",
    "<!channel>": "The commands are start,",
    "start cluster-x canry=shop": "Did you mean `canary=shop`?",
    "start cluster-x mlts=STRICT": "Did you mean `mtls=STRICT`?",
    "start cluster-x tesing=no": "Did you mean `testing=no`?",
    "start cluster-x skp=ops": "Did you mean `skip=ops`?",
    "start cluster-x mtls=strickt": "Did you mean `mtls=STRICT`?",
    "start cluster-x mtls=permisive": "Did you mean `mtls=PERMISSIVE`?",
    "start cluster-x mtls=": "`mtls` lacks its value",
    "start cluster-x testing=perhaps": "it is yes or no",
    "start cluster-x set novalue": "KEY=VALUE",
    "start cluster-x fast": "`fast` is no option of start",
    "approve": "Name the cluster",
    "deny cluster-x": "Say why: `/asm-upgrade deny cluster-x REASON`",
    "abort `cluster-x`": "Say why: `/asm-upgrade abort cluster-x REASON`",
    "extend cluster-x 1h": "for how long and why",
    "schedule cluster-x 2026-12-01": "date, time and time zone",
    "schedule cluster-x 2026-12-01 22:00": "date, time and time zone",
}


@pytest.mark.parametrize(("typed", "order"), [(typed, order) for order, all_of in UNDERSTOOD for typed in all_of])
def test_what_people_type_is_understood(typed: str, order: Order) -> None:
    """As the order that it is, however it was formatted, quoted, spelt or pasted."""
    assert read_order(typed) == order


@pytest.mark.parametrize("typed", ANSWERED)
def test_what_is_not_understood_is_answered_with_what_was_meant(typed: str) -> None:
    """As a line to copy."""
    read = read_order(typed)
    assert isinstance(read, Misread)
    assert ANSWERED[typed] in read.answer


def test_all_faults_of_a_command_are_told_at_once() -> None:
    """Nobody types it three times."""
    read = read_order("start cluster-x mtls=maybe canry=shop testing=perhaps fast")
    assert isinstance(read, Misread)
    for part in ("mtls is `maybe`", "Did you mean `canary=shop`?", "testing is `perhaps`", "`fast` is no option"):
        assert part in read.answer


def test_two_hundred_ways_to_type_it() -> None:
    """The table stays as large as it was promised."""
    assert sum(len(typed) for _, typed in UNDERSTOOD) + len(ANSWERED) >= 200
