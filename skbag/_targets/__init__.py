"""y: classes and labels, class weights, losses and their links.

Others import `Targets`, `ClassificationTargets`, `learn_targets`, `announced_targets`,
`LOSSES`, `LabelSets` and the links.
"""
