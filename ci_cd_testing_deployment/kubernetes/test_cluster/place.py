"""Where the test cluster lives: folders, addresses, versions. The one home of these facts."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from config import ROOT

HERE: Final = Path(__file__).resolve().parent
CACHE: Final = ROOT / os.environ.get("FRAUD_SHIP_CACHE", ".cache/ship")
WORK: Final = CACHE / "k8s"
GO_CACHE: Final = CACHE / "gocache"
CRDS: Final = WORK / "crds"
IMAGES: Final = WORK / "images"
PKI: Final = WORK / "pki"
LOGS: Final = WORK / "log"
PIDS: Final = WORK / "pid"
CONFIG: Final = WORK / "config"
VOLUMES: Final = WORK / "volumes"

KUBERNETES: Final = "1.35.4"
# Also the node's name, which stands in its certificate. One name per checkout: two may test on one machine.
NAME: Final = "fraud-" + hashlib.sha256(str(WORK).encode()).hexdigest()[:6]
NETWORK: Final = Path("/run/netns", NAME)
# Sockets: their paths may have 108 characters, which a folder of the cache easily exceeds.
RUN: Final = Path("/run", NAME)
CONTAINERD: Final = RUN / "containerd.sock"
KUBECONFIG: Final = PKI / "admin.conf"

# 198.18.0.0/15 is kept for measuring equipment (RFC 2544) and never routed: it meets no address of a real network.
NODE_IP: Final = "198.18.0.1"
NODE_GATEWAY: Final = "198.18.0.254"
POD_CIDR: Final = "198.18.16.0/20"
SERVICE_CIDR: Final = "198.19.0.0/20"
API_SERVICE_IP: Final = "198.19.0.1"
DNS_IP: Final = "198.19.0.10"
GATEWAY_IP: Final = "198.19.0.80"
KAFKA_PORTS: Final = {"kafka": 9092, "kafka-controller": 19093}
API_SERVER: Final = f"https://{NODE_IP}:6443"

PAUSE_IMAGE: Final = "localhost/pause:1"
