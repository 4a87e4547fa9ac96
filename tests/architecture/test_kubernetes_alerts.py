"""Alerts ring when they should, and not while all is well: Prometheus' own tool plays each story through the rules."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from ci_cd_testing_deployment.kubernetes.test_cluster.place import WORK
from tests.architecture.manifests import Manifest, needs_kubectl, of_kind, rendered

PROMTOOL = shutil.which("promtool") or next(map(str, WORK.glob("debian/prometheus/usr/bin/promtool")), None)
pytestmark = [
    needs_kubectl,
    pytest.mark.skipif(PROMTOOL is None, reason="promtool, which judges rules, is missing: apt-get install prometheus"),
]

MINUTES = 4_400  # three days, the longest window, and a little
ROUTE = 'route="/v1/decisions"'
SPACE = 'namespace="fraudstream"'
DECLINED = 'fraud_api_decisions_total{outcome="decline"}'
APPROVED = 'fraud_api_decisions_total{outcome="approve"}'
LOST = f'fraud_api_requests_total{{{ROUTE}, status="503"}}'
QUICK = f'fraud_api_request_seconds_bucket{{{ROUTE}, le="0.05"}}'
WITHOUT = 'fraud_api_degraded_total{missing="redis"}'
RESTARTS = f'kube_pod_container_status_restarts_total{{{SPACE}, pod="a"}}'
FAILED = f'kube_job_status_failed{{{SPACE}, job_name="migrate"}}'
BACKED_UP = f'kube_cronjob_status_last_successful_time{{{SPACE}, cronjob="backup"}}'
LEFT = f'kubelet_volume_stats_available_bytes{{{SPACE}, persistentvolumeclaim="models"}}'
DEAD = 'kafka_topic_partition_current_offset{topic="transactions.v1.dlq"}'
UP = 'up{job="fraudstream/decision-api"}'


def lag(group: str) -> str:
    return f'kafka_consumergroup_lag{{consumergroup="{group}"}}'


def position(group: str) -> str:
    return f'kafka_consumergroup_current_offset{{consumergroup="{group}"}}'


def steady(value: int) -> str:
    return f"{value}+0x{MINUTES}"


def by_minute(count: int) -> str:
    return f"0+{count}x{MINUTES}"


# A hundred requests a second, one in six hundred slow, one in sixty declined.
WELL = {
    UP: steady(1),
    f'fraud_api_requests_total{{{ROUTE}, status="200"}}': by_minute(6_000),
    QUICK: by_minute(5_990),
    f"fraud_api_request_seconds_count{{{ROUTE}}}": by_minute(6_000),
    APPROVED: by_minute(5_900),
    DECLINED: by_minute(100),
    WITHOUT: by_minute(1),
    "fraud_api_late_total": by_minute(10),
    lag("fraudstream"): steady(1_000),
    position("fraudstream"): by_minute(6_000),
    lag("storage-sink"): steady(1_000),
    position("storage-sink"): by_minute(6_000),
    DEAD: steady(5),
    RESTARTS: steady(1),
    FAILED: steady(0),
    BACKED_UP: by_minute(60),
    LEFT: steady(50),
    f'kubelet_volume_stats_capacity_bytes{{{SPACE}, persistentvolumeclaim="models"}}': steady(100),
    "fraud_dashboard_feed_clients": steady(3),
}


@dataclass(frozen=True, slots=True)
class Story:
    """What differs from a good day, and who rings after some minutes."""

    differs: dict[str, str]
    minutes: int
    rings: set[str]
    rest_is_silent: bool = True
    missing: set[str] = field(default_factory=set)

    def as_test(self) -> Manifest:
        """The story in the form of `promtool test rules`."""
        series = {name: values for name, values in (WELL | self.differs).items() if name not in self.missing}
        ringing = 'ALERTS{alertstate="firing"}'
        alerts = "" if self.rest_is_silent else f', alertname=~"{"|".join(self.rings)}"'
        return {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {
                    "expr": f"group by (alertname) ({ringing[:-1]}{alerts}}})",
                    "eval_time": f"{self.minutes}m",
                    "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(self.rings)],
                }
            ],
        }


WEEK_MIN = 7 * 24 * 60
STORIES = {
    "all is well": Story({}, 4_350, set()),
    "one in fifty fails": Story(
        {LOST: by_minute(122)},
        70,
        {f"FraudApiErrorBudgetBurns{pace}" for pace in ("Fast", "Steadily", "Slowly")},
    ),
    "one in a hundred and fifty fails": Story(
        {LOST: by_minute(40)}, 420, {"FraudApiErrorBudgetBurnsSteadily", "FraudApiErrorBudgetBurnsSlowly"}
    ),
    "one in five hundred fails": Story({LOST: by_minute(12)}, 4_350, {"FraudApiErrorBudgetBurnsSlowly"}),
    "one in five is slow": Story(
        {QUICK: by_minute(4_800)},
        70,
        {f"FraudApiLatencyBudgetBurns{pace}" for pace in ("Fast", "Steadily", "Slowly")},
    ),
    "one in ten is slow": Story(
        {QUICK: by_minute(5_400)}, 420, {"FraudApiLatencyBudgetBurnsSteadily", "FraudApiLatencyBudgetBurnsSlowly"}
    ),
    "one in fifty is slow": Story({QUICK: by_minute(5_880)}, 4_350, {"FraudApiLatencyBudgetBurnsSlowly"}),
    "no pod answers": Story({UP: steady(0)}, 5, {"FraudApiGone"}),
    "there is no pod": Story({}, 5, {"FraudApiGone"}, missing={UP}),
    "Redis is away": Story({WITHOUT: by_minute(3_000)}, 30, {"FraudApiDegraded"}),
    "many are late": Story({"fraud_api_late_total": by_minute(300)}, 30, {"FraudApiLate"}),
    "three times as many are declined as a week ago": Story(
        {
            APPROVED: f"0+5900x{WEEK_MIN + 200}",
            DECLINED: f"0+100x{WEEK_MIN} {WEEK_MIN * 100 + 350}+350x200",
        },
        WEEK_MIN + 150,
        {"FraudDeclinesShift"},
        rest_is_silent=False,
    ),
    "the stream takes nothing": Story({position("fraudstream"): steady(9)}, 10, {"FraudStreamStands"}),
    "the stream is idle": Story({position("fraudstream"): steady(9), lag("fraudstream"): steady(0)}, 60, set()),
    "the stream falls behind": Story({lag("fraudstream"): f"0+100000x{MINUTES}"}, 20, {"FraudStreamBehind"}),
    "the sink falls behind": Story({lag("storage-sink"): steady(300_000)}, 20, {"FraudSinkBehind"}),
    "the sink takes nothing": Story({position("storage-sink"): steady(9)}, 20, {"FraudSinkStands"}),
    "records are refused": Story({DEAD: by_minute(1)}, 20, {"FraudDeadLetters"}),
    "a pod comes and goes": Story({RESTARTS: by_minute(1)}, 40, {"FraudPodRestarts"}),
    "a migration fails": Story({FAILED: steady(1)}, 1, {"FraudJobFailed"}),
    "no backup since yesterday": Story({BACKED_UP: steady(0)}, 27 * 60, {"FraudBackupOld"}),
    "a volume fills": Story({LEFT: steady(5)}, 20, {"FraudVolumeFull"}),
    "too many look": Story({"fraud_dashboard_feed_clients": steady(30)}, 20, {"FraudFeedFull"}),
}


@pytest.fixture(scope="module")
def groups() -> list[Manifest]:
    return [group for rule in of_kind(rendered("production"), "PrometheusRule") for group in rule["spec"]["groups"]]


@pytest.mark.parametrize("name", STORIES)
def test_alerts_ring_when_they_should_and_not_before(name: str, groups: list[Manifest], tmp_path: Path) -> None:
    assert PROMTOOL is not None
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
    story = STORIES[name]
    # Days go by in half hours, and end on one: nothing is judged that a closer look would change.
    pace = "1m" if story.minutes < 100 else "30m"
    wanted = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": pace,
        "group_eval_order": [group["name"] for group in groups],
        "tests": [story.as_test()],
    }
    (tmp_path / "story.yaml").write_text(yaml.safe_dump(wanted))
    done = subprocess.run(
        [PROMTOOL, "test", "rules", "story.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_story(groups: list[Manifest]) -> None:
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    assert alerts == set().union(*(story.rings for story in STORIES.values()))
