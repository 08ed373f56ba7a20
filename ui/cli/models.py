"""`picfuse models`."""

from __future__ import annotations

import click

from indexer.encoders.mini import Towers
from indexer.encoders.packages import IMAGE_TOWER, TEXT_TOWER
from indexer.errors import ModelError
from indexer.settings import cache_directory
from ui.cli.group import json_option
from ui.cli.text import print_json
