"""Which optimizer stands which learning rate: every optimizer over two decades, with models that otherwise work.

    green-collect --campaign optimizers --jobs 2

A rate at which one optimizer trains best ruins a model with another. Recipes that differ from the usual in both are
rare in a space-filling sample; where none was tried, none can be recommended.
"""

from collectors.campaigns.fronts import ALL_HISTORIES, ALL_TEXTS, MORE_IMAGES, SMALL_IMAGES, grid

OPTIMIZERS = ["adafactor", "lion", "rmsprop", "sgd"]
RATES = [0.001, 0.007, 0.05]
EPOCHS = [4]

IMAGES = {**SMALL_IMAGES, **MORE_IMAGES}
PICTURES = ["mnist", "mnist-parity", "fashion_mnist-coarse", "fashion_mnist-tops"]
TEXTS = ["tweets", "amazon_reviews-strong", "movie_reviews-strong", "device_tweets-phones", "spam_assassin-subject"]
HISTORIES = ["movielens_100k-dense", "movielens_100k-casual", "movielens_small-dense", "movielens_small-casual"]


def all_optimizers(domain: str, dataset: str, sizes: list[float], models: list[str], **knobs: object) -> list[dict]:
    """Each optimizer at each rate, for each model."""
    return [
        grid(domain, dataset, models, EPOCHS, sizes[:1], RATES, optimizer=optimizer, **knobs)
        for optimizer in OPTIMIZERS
    ]


DESIGN = {
    "name": "optimizers",
    "description": "every optimizer at learning rates over two decades, with models that work at the usual ones",
    "shuffle": True,
    "designs": [
        *(
            design
            for name in PICTURES
            for design in all_optimizers("cv", name, IMAGES[name], ["mlp", "resnet-tiny"], input_size=16)
        ),
        *(
            design
            for name in TEXTS
            for design in all_optimizers("nlp", name, ALL_TEXTS[name], ["bag-of-embeddings", "text-cnn"])
        ),
        *(
            design
            for name in HISTORIES
            for design in all_optimizers("recsys", name, ALL_HISTORIES[name], ["fmc", "gru4rec"])
        ),
    ],
}
