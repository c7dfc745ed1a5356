"""What more data is worth to each architecture: much of every large data set, beyond the smallest models.

    green-collect --campaign plenty --jobs 2

Campaign `cheap` shows how far the smallest models come on whole data sets. Without this one they would be the only
ones seen there, and a large model on much of the data a guess: too dear, and perhaps not even better.
"""

from collectors.campaigns.cheap import SHARED_IMAGES, much, shared
from collectors.campaigns.fronts import ALL_HISTORIES, ALL_TEXTS, CHEAP_HISTORIES, HISTORY_RATES, IMAGES, WORDS

CONVOLUTIONS = [name for name in IMAGES if name != "mlp"]
TEXT_MODELS = [name for name in WORDS if name != "bag-of-embeddings"]
IMAGE_RATES = [0.004, 0.01]
TEXT_RATES = [0.003, 0.01]
TRANSFORMER_RATES = [0.001, 0.003]


DESIGN = {
    "name": "plenty",
    "description": "much of every large data set, for more than the smallest models",
    "shuffle": True,
    "designs": [
        *(much("cv", name, CONVOLUTIONS, IMAGE_RATES, input_size=16) for name in shared(SHARED_IMAGES)),
        *(much("nlp", name, TEXT_MODELS, TEXT_RATES) for name in shared(ALL_TEXTS)),
        *(much("nlp", name, ["distilbert-tiny"], TRANSFORMER_RATES) for name in shared(ALL_TEXTS)),
        *(much("recsys", name, CHEAP_HISTORIES, HISTORY_RATES) for name in shared(ALL_HISTORIES)),
    ],
}
