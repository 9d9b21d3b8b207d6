"""The only readers of SQLAlchemy's private attributes.

SQLAlchemy has no public accessor for most of what a Select was built from. What is read here exists
in 2.0 and 2.1; `_check_attributes` runs at import, so that a release without one of them fails at
once and by name, not on some page.
"""

from sqlalchemy import Result, select, union

from .elements import (
    AnyCompound,
    AnySelect,
    Statement,
    bare_of,
    columns_of,
    columns_within,
    comparison_of,
    conjuncts_of,
    direction_of,
    expressions_of,
    flat,
    function_name_of,
    grouped,
    is_anonymous,
    is_collection,
    is_large,
    is_relationship,
    is_text,
    is_textual,
    label_name_of,
    number,
    number_of_arguments,
    of_subquery,
    ordinal_of,
    parameter_of_rows,
    parts_within,
    renamed,
    row_number_partition_of,
    source_name_of,
    source_of,
    stored_type_of,
    text_of,
    windowed_by,
    windowed_parts_of,
)
from .execution import (
    bind_of,
    has_listeners,
    is_fault_of_values,
    is_unique_demanded,
    with_subject_of,
)
from .loading import Loading, loading_of, rendered_by, result_names_of
from .sources import (
    bundle_like,
    entity_keys_of,
    entity_of,
    is_anonymous_alias,
    is_bundle,
    is_of_alias,
    joins_of,
    keys_of,
    leaves_of,
)
from .statements import (
    compound_within,
    copy_of,
    criteria_of,
    distinct_on_of,
    froms_of,
    group_by_of,
    has_extension,
    has_fetch_options,
    has_joined_criteria,
    has_joined_entities,
    has_loader_options,
    has_offset,
    has_ties,
    having_of,
    is_distinct,
    is_limited,
    is_locking,
    keeps_duplicates,
    labels_of,
    limit_of,
    limited_like,
    loaded_from,
    offset_of,
    options_of,
    order_by_of,
    raw_columns_of,
    rows_alone,
    select_within,
    selected_by,
    with_columns,
    without_distinct,
    without_each_outer_join,
    without_loading,
    without_source,
)
from .structure import (
    Built,
    Structure,
    built_of,
    is_all_structure,
    kind_of_value,
    parameter_names_of,
    without_values,
)

__all__ = [
    "AnyCompound",
    "AnySelect",
    "Built",
    "Loading",
    "Statement",
    "Structure",
    "bare_of",
    "bind_of",
    "built_of",
    "bundle_like",
    "columns_of",
    "columns_within",
    "comparison_of",
    "compound_within",
    "conjuncts_of",
    "copy_of",
    "criteria_of",
    "direction_of",
    "distinct_on_of",
    "entity_keys_of",
    "entity_of",
    "expressions_of",
    "flat",
    "froms_of",
    "function_name_of",
    "group_by_of",
    "grouped",
    "has_extension",
    "has_fetch_options",
    "has_joined_criteria",
    "has_joined_entities",
    "has_listeners",
    "has_loader_options",
    "has_offset",
    "has_ties",
    "having_of",
    "is_all_structure",
    "is_anonymous",
    "is_anonymous_alias",
    "is_bundle",
    "is_collection",
    "is_distinct",
    "is_fault_of_values",
    "is_large",
    "is_limited",
    "is_locking",
    "is_of_alias",
    "is_relationship",
    "is_text",
    "is_textual",
    "is_unique_demanded",
    "joins_of",
    "keeps_duplicates",
    "keys_of",
    "kind_of_value",
    "label_name_of",
    "labels_of",
    "leaves_of",
    "limit_of",
    "limited_like",
    "loaded_from",
    "loading_of",
    "number",
    "number_of_arguments",
    "of_subquery",
    "offset_of",
    "options_of",
    "order_by_of",
    "ordinal_of",
    "parameter_names_of",
    "parameter_of_rows",
    "parts_within",
    "raw_columns_of",
    "renamed",
    "rendered_by",
    "result_names_of",
    "row_number_partition_of",
    "rows_alone",
    "select_within",
    "selected_by",
    "source_name_of",
    "source_of",
    "stored_type_of",
    "text_of",
    "windowed_by",
    "windowed_parts_of",
    "with_columns",
    "with_subject_of",
    "without_distinct",
    "without_each_outer_join",
    "without_loading",
    "without_source",
    "without_values",
]


def _check_attributes() -> None:
    common = "order_by_clauses limit_clause offset_clause fetch_clause fetch_clause_options"
    common += " for_update_arg with_options"
    only_select = "raw_columns group_by_clauses having_criteria distinct distinct_on prefixes"
    only_select += (
        " suffixes annotations propagate_attrs compile_state_factory setup_joins from_obj"
    )
    one: AnySelect = select(1)
    needed = {
        one: f"{common} {only_select}",
        union(one, one): common,
        Result: "unique_filter_state",
    }
    missing = [
        f"_{name}"
        for owner, names in needed.items()
        for name in names.split()
        if not hasattr(owner, f"_{name}")
    ]
    if missing:
        raise ImportError(f"this release of SQLAlchemy lacks {', '.join(missing)}")


_check_attributes()
