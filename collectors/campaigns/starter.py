"""About 120 runs of a few seconds each, over the three domains: enough for a first data set and a first predictor.

green-collect --campaign starter --jobs 2
"""

CV = [
    {"dataset": "digits", "model": "resnet-tiny"},
    {"dataset": "digits", "model": "mlp"},
    {"dataset": "digits", "model": "vit-tiny"},
    {"dataset": "digits-parity", "model": "mlp"},
    {"dataset": "digits-0to4", "model": "resnet-tiny"},
]
NLP = [
    {"dataset": "movie_reviews-strong", "model": "bert-tiny"},
    {"dataset": "movie_reviews", "model": "bag-of-embeddings"},
    {"dataset": "movie_reviews", "model": "text-cnn"},
    {"dataset": "amazon_reviews", "model": "bag-of-embeddings"},
    {"dataset": "movie_reviews-short", "model": "bert-tiny"},
]
RECSYS = [
    {"dataset": "movielens_100k", "model": "gru4rec"},
    {"dataset": "movielens_100k-recent", "model": "sasrec"},
    {"dataset": "movielens_100k", "model": "fmc"},
    {"dataset": "movielens_100k", "model": "mean-mlp"},
    {"dataset": "movielens_100k-dense", "model": "sasrec"},
]

FREE = {
    "learning_rate": {"low": 0.0002, "high": 0.02, "log": True},
    "weight_decay": [0.0, 0.0, 0.01],
}
KNOBS = {
    "data_fraction": [1.0, 0.7, 0.5, 0.3],
    "optimizer": ["adamw", "adamw", "sgd", "rmsprop", "lion"],
    "precision": ["fp32", "fp32", "bf16"],
    "schedule": ["constant", "cosine"],
    "early_stopping": [0, 0, 2],
}

DESIGN = {
    "name": "starter",
    "description": "three domains, a few seconds a run, one core",
    "shuffle": True,
    "designs": [
        # anchors: the same plain recipe on every task, three seeds, so that noise is known
        {"grid": {"task": CV}, "defaults": {"domain": "cv", "epochs": 8}, "seeds": 3},
        {"grid": {"task": NLP}, "defaults": {"domain": "nlp", "epochs": 3, "batch_size": 64}, "seeds": 3},
        {"grid": {"task": RECSYS}, "defaults": {"domain": "recsys", "epochs": 3, "batch_size": 64}, "seeds": 3},
        # and then the space of recipes, evenly
        {
            "space_filling": {
                "task": CV,
                "epochs": [4, 6, 8, 12],
                "batch_size": [16, 32, 64, 128],
                **FREE,
                "knobs": KNOBS,
            },
            "defaults": {"domain": "cv"},
            "n": 26,
            "seed": 1,
        },
        {
            "space_filling": {"task": NLP, "epochs": [2, 3, 4], "batch_size": [32, 64, 128], **FREE, "knobs": KNOBS},
            "defaults": {"domain": "nlp"},
            "n": 26,
            "seed": 2,
        },
        {
            "space_filling": {"task": RECSYS, "epochs": [2, 3, 4], "batch_size": [32, 64, 128], **FREE, "knobs": KNOBS},
            "defaults": {"domain": "recsys"},
            "n": 26,
            "seed": 3,
        },
    ],
}
