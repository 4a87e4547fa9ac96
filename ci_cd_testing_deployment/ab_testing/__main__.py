"""Split traffic between two versions of the decision API, and take the split back.

Example: python -m ci_cd_testing_deployment.ab_testing start --weight 1
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer
import yaml

from ci_cd_testing_deployment.ab_testing.auto import Auto, Plan, judge_now
from ci_cd_testing_deployment.ab_testing.kubectl import KubectlCluster
from ci_cd_testing_deployment.ab_testing.prometheus import PrometheusEvidence
from ci_cd_testing_deployment.ab_testing.report import verdict_lines
from ci_cd_testing_deployment.ab_testing.rollout import Rollout
from ci_cd_testing_deployment.ab_testing.route import Versions, new_route
from ci_cd_testing_deployment.ab_testing.verdict import Advice, Judge
from fraud_prevention.domain.errors import FraudError

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the route is, and what it splits between."""

    rollout: Rollout
    versions: Versions
    namespace: str
    route: str
    gateway: str


@app.callback()
def place(
    context: typer.Context,
    namespace: Annotated[str, typer.Option(help="Namespace of the route and of both versions.")] = "fraudstream",
    route: Annotated[str, typer.Option(help="Name of the HTTPRoute.")] = "decision-api",
    service_a: Annotated[str, typer.Option(help="Service and Deployment that everybody has.")] = "decision-api",
    service_b: Annotated[str, typer.Option(help="Service and Deployment that is tried.")] = "decision-api-b",
    port: Annotated[int, typer.Option(help="Port of both Services.")] = 80,
    gateway: Annotated[str, typer.Option(help="Gateway of a rendered route.")] = "fraudstream",
    kubectl: Annotated[str, typer.Option(help="kubectl and its first words.")] = "kubectl",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Let the cluster check the change, and drop it.")] = False,
) -> None:
    """Split traffic between two versions of the decision API, and take the split back."""
    versions = Versions(service_a, service_b, port)
    rollout = Rollout(KubectlCluster(namespace, route, kubectl), versions, time.time, dry_run)
    context.obj = Place(rollout, versions, namespace, route, gateway)


Weight = Annotated[int, typer.Option(min=0, max=100, help="Percentage of customers for version b.")]
Force = Annotated[bool, typer.Option("--force", help="Also where somebody else changed the rules.")]
Path = Annotated[str, typer.Option(help="Path prefix of a rendered route; /metrics is for the cluster alone.")]
Prometheus = Annotated[str, typer.Option(help="Address of Prometheus.")]
Selector = Annotated[str, typer.Option(help="Matchers of the pods' series; by default those of the namespace.")]
IntervalS = Annotated[int, typer.Option(min=1, help="Seconds between two looks; four scrapes or more.")]
SlowS = Annotated[float, typer.Option(help="Answers after this many seconds are late; a bound of the histogram.")]
WarmUpS = Annotated[int, typer.Option(min=0, help="Seconds before the experiment that show version a alone.")]


@app.command()
def start(context: typer.Context, weight: Weight = 1) -> None:
    """Begin an experiment. Example: python -m ci_cd_testing_deployment.ab_testing start --weight 1"""
    with _told():
        _say(context, context.obj.rollout.start(weight))


@app.command()
def ramp(context: typer.Context, weight: Weight) -> None:
    """Raise version b's weight. Example: python -m ci_cd_testing_deployment.ab_testing ramp --weight 10"""
    with _told():
        _say(context, context.obj.rollout.ramp(weight))


@app.command()
def promote(context: typer.Context) -> None:
    """Give version b everything. Example: python -m ci_cd_testing_deployment.ab_testing promote"""
    with _told():
        _say(context, context.obj.rollout.promote())


@app.command()
def rollback(context: typer.Context, force: Force = False) -> None:
    """Give version a everything. Example: python -m ci_cd_testing_deployment.ab_testing rollback"""
    with _told():
        _say(context, context.obj.rollout.rollback(is_forced=force))


@app.command()
def stop(context: typer.Context, force: Force = False) -> None:
    """End the experiment, all to version a. Example: python -m ci_cd_testing_deployment.ab_testing stop"""
    with _told():
        context.obj.rollout.stop(is_forced=force)
        typer.echo("no experiment runs" + _dry(context))


@app.command()
def render(context: typer.Context, weight: Weight, path: Path = "/v1/decisions") -> None:
    """Print the route as a manifest. Example: python -m ci_cd_testing_deployment.ab_testing render --weight 10"""
    at: Place = context.obj
    typer.echo(yaml.safe_dump(new_route(at.route, at.gateway, path, at.versions, weight), sort_keys=False), nl=False)


@app.command()
def status(
    context: typer.Context,
    prometheus: Prometheus = "http://127.0.0.1:9090",
    selector: Selector = "",
    interval_s: IntervalS = 60,
    slow_s: SlowS = 0.15,
    warm_up_s: WarmUpS = 600,
) -> None:
    """Show the weight and what the measurements advise; the code of exit is 2 for hold and 3 for rollback.

    Example: python -m ci_cd_testing_deployment.ab_testing status --prometheus http://127.0.0.1:9090
    """
    with _told():
        stages = context.obj.rollout.stages()
        if not stages:
            typer.echo("no experiment runs")
            return
        evidence = _evidence(context, prometheus, selector, interval_s, slow_s)
        verdict = judge_now(Judge(), evidence, stages, time.time(), warm_up_s)
        typer.echo("\n".join(verdict_lines(stages, verdict)))
    raise typer.Exit({Advice.CONTINUE: 0, Advice.HOLD: 2, Advice.ROLLBACK: 3}[verdict.advice])


@app.command()
def auto(
    context: typer.Context,
    prometheus: Prometheus = "http://127.0.0.1:9090",
    selector: Selector = "",
    interval_s: IntervalS = 60,
    slow_s: SlowS = 0.15,
    warm_up_s: WarmUpS = 600,
    steps: Annotated[str, typer.Option(help="Rising weights, the last one 100.")] = "1,5,10,25,50,100",
    hold_s: Annotated[int, typer.Option(min=1, help="Seconds at each weight, at least.")] = 600,
    give_up_s: Annotated[int, typer.Option(min=1, help="Seconds after which everything goes back.")] = 86_400,
    requests_at_least: Annotated[int, typer.Option(min=1, help="Requests of version b at each weight.")] = 200,
) -> None:
    """Raise the weight step by step while the measurements allow it, and roll back when they do not.

    Example: python -m ci_cd_testing_deployment.ab_testing auto --steps 5,25,100 --hold-s 900
    """
    with _told():
        if context.obj.rollout.is_dry_run:
            raise ValueError("auto makes one step after another and cannot run dry; `status` shows what it would do")
        plan = Plan(tuple(int(step) for step in steps.split(",")), interval_s, hold_s, warm_up_s, give_up_s)
        evidence = _evidence(context, prometheus, selector, interval_s, slow_s)
        judge = Judge(requests_at_least=requests_at_least)
        is_promoted = Auto(context.obj.rollout, evidence, judge, plan, time.sleep, typer.echo).run()
    raise typer.Exit(0 if is_promoted else 3)


def _evidence(
    context: typer.Context, prometheus: str, selector: str, interval_s: int, slow_s: float
) -> PrometheusEvidence:
    return PrometheusEvidence(prometheus, selector or f'namespace="{context.obj.namespace}"', interval_s, slow_s)


def _say(context: typer.Context, weight: int) -> None:
    typer.echo(f"weight {weight}{_dry(context)}")


def _dry(context: typer.Context) -> str:
    return " (dry run: nothing changed)" if context.obj.rollout.is_dry_run else ""


@contextmanager
def _told() -> Iterator[None]:
    """An error of the business, or a value that makes no sense, is one sentence and code 1."""
    try:
        yield
    except (FraudError, ValueError) as error:
        typer.secho(f"ab_testing: {error}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app(prog_name="python -m ci_cd_testing_deployment.ab_testing")
