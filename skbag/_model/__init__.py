"""What a fit leaves behind: arrays that predict, explain and compress, without torch.

Others import `Model`, `Featurizer`, `Predictor`, `compress`, `explain`, `top_tokens`
and `most_similar`.
"""
