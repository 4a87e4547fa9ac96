"""Run the streaming job: `python data-pipeline/spark_streaming.py`. Settings: FRAUD_* (see `fraud settings`)."""

import sys

from config import check_environment, load_run_env
from data_pipeline.stream.job import run

if __name__ == "__main__":
    load_run_env()
    check_environment()
    sys.exit(run())
