"""The configurations of data sets that have many of them."""

from __future__ import annotations

__all__ = ["AGIEVAL_PARTS", "BBH_TASKS", "GLOBAL_MMLU_LANGUAGES", "MATH_SUBJECTS", "MMLU_SUBJECTS", "names"]


def names(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


MMLU_SUBJECTS = names(
    """
    abstract_algebra anatomy astronomy business_ethics clinical_knowledge college_biology college_chemistry
    college_computer_science college_mathematics college_medicine college_physics computer_security conceptual_physics
    econometrics electrical_engineering elementary_mathematics formal_logic global_facts high_school_biology
    high_school_chemistry high_school_computer_science high_school_european_history high_school_geography
    high_school_government_and_politics high_school_macroeconomics high_school_mathematics high_school_microeconomics
    high_school_physics high_school_psychology high_school_statistics high_school_us_history high_school_world_history
    human_aging human_sexuality international_law jurisprudence logical_fallacies machine_learning management marketing
    medical_genetics miscellaneous moral_disputes moral_scenarios nutrition philosophy prehistory
    professional_accounting professional_law professional_medicine professional_psychology public_relations
    security_studies sociology us_foreign_policy virology world_religions
    """
)
GLOBAL_MMLU_LANGUAGES = names(
    """
    am ar bn cs de el en es fa fil fr ha he hi id ig it ja ko ky lt mg ms ne nl ny pl pt ro ru si sn so sr sv sw te tr
    uk vi yo zh
    """
)
AGIEVAL_PARTS = names(
    """
    aqua-rat logiqa-en lsat-ar lsat-lr lsat-rc sat-en sat-math logiqa-zh gaokao-biology gaokao-chemistry gaokao-chinese
    gaokao-english gaokao-geography gaokao-history gaokao-mathqa
    """
)
BBH_TASKS = names(
    """
    boolean_expressions causal_judgement date_understanding disambiguation_qa formal_fallacies geometric_shapes
    hyperbaton logical_deduction_five_objects logical_deduction_seven_objects logical_deduction_three_objects
    movie_recommendation multistep_arithmetic_two navigate object_counting penguins_in_a_table
    reasoning_about_colored_objects ruin_names salient_translation_error_detection snarks sports_understanding
    temporal_sequences tracking_shuffled_objects_five_objects tracking_shuffled_objects_seven_objects
    tracking_shuffled_objects_three_objects web_of_lies word_sorting
    """
)
MATH_SUBJECTS = names(
    "algebra counting_and_probability geometry intermediate_algebra number_theory prealgebra precalculus"
)
