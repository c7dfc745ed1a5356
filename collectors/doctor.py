"""green-collect --doctor: what can be metered here, by which source, and how to get better."""

from __future__ import annotations

from ecotaskset.console import Output
from ecotaskset.errors import MeasurementError


def show_doctor(out: Output, *, require_measured: bool) -> None:
    """Print the diagnosis.

    Raises:
        MeasurementError: with `require_measured`, when no component can be measured here.
    """
    from collectors.metering import doctor, render

    with out.talk.status("two-second self-test"):
        diagnosis = doctor()
    out.result(diagnosis, render(diagnosis), [f"{c['component']}:{c['source']}" for c in diagnosis["components"]])
    if require_measured and not any(c["quality"] == "measured" for c in diagnosis["components"]):
        raise MeasurementError("no component can be measured here", hint="the lines above say what would help")
