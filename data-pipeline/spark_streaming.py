"""Run the streaming job: `python data-pipeline/spark_streaming.py`. Settings: FRAUD_* (see `fraud settings`).

FRAUD_STREAM_RUNNER=lite does the same work in this one process, without Spark.
"""

import sys

from pydantic import ValidationError

from config import StreamSettings, UnknownSetting, check_environment, load_run_env
from data_pipeline.stream import job, lite
from fraud_prevention.domain.errors import FraudError
from fraud_prevention.log_format import log_json


def main() -> int:
    """Returns the exit code; what cannot start says why in one sentence."""
    log_json()
    try:
        load_run_env()
        check_environment()
        return lite.run() if StreamSettings().runner == "lite" else job.run()
    except (ValidationError, UnknownSetting, FraudError) as error:
        sys.exit(f"stream cannot start: {error}")


if __name__ == "__main__":
    sys.exit(main())
