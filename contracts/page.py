"""The report of a run as one HTML page that needs nothing else."""

from __future__ import annotations

import contextlib
import json
from html import escape
from typing import Any

from contracts.results import ORDER, Result, Results

STYLE = """
:root{color-scheme:light dark;--ink:#1c2024;--soft:#60646c;--line:#e0e1e6;--back:#fcfcfd;--card:#fff;
--verified:#18794e;--failed:#ce2c31;--unsupported:#ab6400;--skipped:#80838d;--unverified:#8e4ec6}
@media(prefers-color-scheme:dark){:root{--ink:#edeef0;--soft:#b0b4ba;--line:#363a3f;--back:#111113;--card:#18191b;
--verified:#3dd68c;--failed:#ff9592;--unsupported:#ffca16;--skipped:#9b9ea6;--unverified:#bf7af0}}
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:980px;margin:0 auto;padding:40px 24px 80px}h1{font-size:26px;margin:0}h2{font-size:19px;margin:40px 0 12px}
.soft{color:var(--soft)}.cards{display:flex;gap:12px;margin:24px 0;flex-wrap:wrap}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 18px;min-width:120px}
.card b{display:block;font-size:28px;line-height:1.2}
table{border-collapse:collapse;width:100%;background:var(--card);border:1px solid var(--line);border-radius:10px}
td,th{text-align:left;padding:7px 14px;border-top:1px solid var(--line)}thead th{border:0;color:var(--soft);font-weight:500}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}code,pre{font:13px/1.45 ui-monospace,monospace}
.pill{font-weight:600}.verified{color:var(--verified)}.failed{color:var(--failed)}.unsupported{color:var(--unsupported)}
.skipped{color:var(--skipped)}.unverified{color:var(--unverified)}
details{background:var(--card);border:1px solid var(--line);border-radius:10px;margin:10px 0;padding:10px 16px}
summary{cursor:pointer}summary code{color:var(--soft);margin-left:8px}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--back);border:1px solid var(--line);border-radius:6px;
padding:10px;margin:6px 0 14px;max-height:380px;overflow:auto}h3{font-size:14px;margin:14px 0 0}
"""
SHOWN = 4000
"""Characters of a body that the page shows."""


def page(target: str, results: Results, lines: list[str], date: str) -> str:
    """Return the page: numbers, a table by operation, and each failure with what was sent, answered and expected."""
    operations = results.operations()
    outcomes = [outcome for outcome, _ in operations.values()]
    cards = "".join(
        f'<div class="card"><b class="{name}">{outcomes.count(name)}</b>{name}</div>'
        for name in ORDER
        if outcomes.count(name) or name in ("verified", "failed")
    )
    rows = "".join(
        f'<tr><td><code>{escape(name)}</code></td><td class="pill {outcome}">{outcome}</td>'
        + "".join(f'<td class="n">{counts[entry] or ""}</td>' for entry in ("verified", "failed"))
        + f'<td class="n">{counts.total() - counts["verified"] - counts["failed"] or ""}</td></tr>'
        for name, (outcome, counts) in operations.items()
    )
    failures = "".join(map(_failure, results.failed())) or '<p class="soft">None.</p>'
    reasons = "".join(f"<li>{number} × {escape(reason)}</li>" for number, reason in results.reasons())
    more = f"<h2>Not asked, or not there</h2><ul>{reasons}</ul>" if reasons else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Contracts: {escape(target)}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style><main><h1>Contracts</h1>"
        f'<div class="soft">against <b>{escape(target)}</b> on {escape(date)}<br>{"<br>".join(map(escape, lines[:2]))}'
        f'</div><div class="cards">{cards}</div><h2>Operations</h2><table><thead><tr><th>operation<th>outcome'
        f'<th class="n">verified<th class="n">failed<th class="n">not asked</thead>{rows}</table>'
        f"<h2>Failures</h2>{failures}{more}</main></html>\n"
    )


def _failure(result: Result) -> str:
    source = " · ".join(filter(None, (result.evidence, result.confidence)))
    exchanges = "".join(map(_exchange, result.exchanges))
    return (
        f'<details><summary><span class="failed">{escape(result.title)}</span><code>{escape(result.id)}</code></summary>'
        + (f'<p class="soft">Source: {escape(source)}</p>' if source else "")
        + f"<h3>Expected</h3><pre>{escape(result.reason[:SHOWN])}</pre>{exchanges}</details>"
    )


def _exchange(exchange: dict[str, Any]) -> str:
    status = exchange["status"] or "no answer"
    return (
        f"<h3>Request: {escape(exchange['method'])} {escape(exchange['path'])}</h3>"
        f"<pre>{escape(_pretty(exchange['request'])) or '(no body)'}</pre>"
        f"<h3>Answer: {status}</h3><pre>{escape(_pretty(exchange['answer'])) or '(empty)'}</pre>"
    )


def _pretty(text: str) -> str:
    with contextlib.suppress(ValueError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return text[:SHOWN]
