"""``python -m loopback_hub --port 8757 --user alice --user maintainer:ORG``: a Hub to play with. Forgets at exit."""

from __future__ import annotations

import argparse
import time

from .server import LoopbackHub


def main() -> None:
    parser = argparse.ArgumentParser(description="A Hub on this machine, in memory, for trying things out.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--user", action="append", default=[], metavar="NAME[:ORG]")
    parser.add_argument("--repo", action="append", default=[], metavar="ORG/NAME", help="data set to create")
    asked = parser.parse_args()
    with LoopbackHub(asked.port) as hub:
        print(f"HF_ENDPOINT={hub.url}", flush=True)
        for entry in asked.user:
            name, _, org = entry.partition(":")
            print(f"HF_TOKEN={hub.add_user(name, orgs=(org,) if org else ()).token}  # {entry}", flush=True)
        for repo_id in asked.repo:
            hub.add_repo(repo_id)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
