"""Campaigns: many recipes from one short design, trained side by side, resumed where they stopped.

from collectors.campaign import load_campaign, run_campaign
load_campaign("starter").recipes      # what would be trained
"""

from collectors.campaign.design import Campaign, load_campaign, make_campaign
from collectors.campaign.run import run_campaign

__all__ = ["Campaign", "load_campaign", "make_campaign", "run_campaign"]
