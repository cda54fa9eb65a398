"""What the STAC API offers beyond its core: one list for every back-end, so that clients cannot tell them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast

import attr
from fastapi import Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model, model_validator
from stac_fastapi.api.models import (
    ItemCollectionUri,
    create_get_request_model,
    create_post_request_model,
    create_request_model,
)
from stac_fastapi.extensions.fields import FieldsConformanceClasses, FieldsExtension
from stac_fastapi.extensions.fields.request import PostFieldsExtension
from stac_fastapi.extensions.filter import (
    FilterConformanceClasses,
    ItemCollectionFilterExtension,
    SearchFilterExtension,
)
from stac_fastapi.extensions.filter.client import AsyncBaseFiltersClient, BaseFiltersClient
from stac_fastapi.extensions.pagination import TokenPaginationExtension
from stac_fastapi.extensions.query import QueryConformanceClasses, QueryExtension
from stac_fastapi.extensions.sort import SortConformanceClasses, SortExtension
from stac_fastapi.types.extension import ApiExtension
from stac_fastapi.types.search import APIRequest, BaseSearchPostRequest

from pipeline.service.stac.checked import check_post
from pipeline.service.stac.literals import GEOMETRIES

_ITEM_SEARCH_FILTER = "https://api.stacspec.org/v1.0.0/item-search#filter"

#: Parts of CQL2 that filters may use with every back-end.
CQL2 = (
    FilterConformanceClasses.CQL2_TEXT,
    FilterConformanceClasses.CQL2_JSON,
    FilterConformanceClasses.BASIC_CQL2,
    FilterConformanceClasses.ADVANCED_COMPARISON_OPERATORS,
    FilterConformanceClasses.BASIC_SPATIAL_FUNCTIONS,
    FilterConformanceClasses.TEMPORAL_FUNCTIONS,
    FilterConformanceClasses.PROPERTY_PROPERTY,
)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class _Object(BaseModel):
    """A body that is an object of known names: looked at before the model looks at it, which takes that for granted."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def is_an_object(cls, value: Any) -> Any:
        """Return the body."""
        if not isinstance(value, Mapping):
            raise ValueError(f"found {type(value).__name__}, expected an object")
        check_post(value, {field.alias or name for name, field in cls.model_fields.items()})
        return value


#: Names that a body may also give as one text, as some clients do.
_Names = Annotated[list[str] | None, BeforeValidator(_listed)]


#: A geometry is read once, by shapely, which says in one sentence what is wrong with it.
_Geometry = Annotated[
    dict[str, Any] | None,
    WithJsonSchema(
        {
            "description": "GeoJSON geometry",
            "type": ["object", "null"],
            "required": ["type"],
            "properties": {
                "type": {"enum": list(GEOMETRIES)},
                "coordinates": {"type": "array"},
                "geometries": {"type": "array", "items": {"type": "object"}},
            },
        }
    ),
]


class _FieldsPost(BaseModel):
    """Fields in the body of a search; null is nothing that they can be."""

    fields: PostFieldsExtension = Field(PostFieldsExtension(), description="Include or exclude fields from items body.")


class _Fields(FieldsExtension):
    POST = _FieldsPost


_Listed = Annotated[str | None, Query(description="Only these, with commas between them")]

#: Which Items a client may name where it asks for those of one collection, as pystac-client does.
_NamedGet = attr.make_class(
    "_NamedGet",
    {name: attr.ib(default=None, type=_Listed) for name in ("ids", "collections")},
    bases=(APIRequest,),
)


@dataclass(frozen=True)
class Extensions:
    """Extensions of item search and of a collection's items, and the requests that follow from them."""

    search: Sequence[ApiExtension]
    items: Sequence[ApiExtension]
    post_base: type[BaseModel] = BaseSearchPostRequest
    """What a search by POST is read into, without the extensions."""

    @property
    def post_model(self) -> type[BaseModel]:
        """Request of POST /search."""
        base = create_model(
            "SearchBase",
            __base__=(_Object, self.post_base),
            collections=(_Names, None),
            ids=(_Names, None),
            intersects=(_Geometry, None),
        )
        return create_post_request_model(list(self.search), base_model=base)

    @property
    def get_model(self) -> type[APIRequest]:
        """Request of GET /search."""
        return create_get_request_model(list(self.search))

    @property
    def items_model(self) -> type[APIRequest]:
        """Request of GET /collections/{id}/items."""
        model = create_request_model("ItemsGetRequest", ItemCollectionUri, list(self.items), [_NamedGet], request_type="GET")
        return cast("type[APIRequest]", model)

    @property
    def all(self) -> list[ApiExtension]:
        """Every extension, once for each place it works in."""
        return [*self.search, *self.items]


def extensions(
    queryables: BaseFiltersClient | AsyncBaseFiltersClient,
    *,
    post_base: type[BaseModel] = BaseSearchPostRequest,
    query: type[QueryExtension] = QueryExtension,
) -> Extensions:
    """Return the extensions that every back-end offers.

    Parameters
    ----------
    queryables
        Who answers which properties a filter may name.
    post_base
        The back-end's own model of a search, where it needs one.
    query
        The back-end's own query extension, where it needs one.
    """
    classes = FilterConformanceClasses
    filter_search: list[str] = [classes.FILTER, classes.SEARCH, _ITEM_SEARCH_FILTER, *CQL2]
    filter_items: list[str] = [classes.FILTER, classes.ITEMS, *CQL2]
    return Extensions(
        search=(
            _Fields(conformance_classes=[FieldsConformanceClasses.SEARCH]),
            SortExtension(conformance_classes=[SortConformanceClasses.SEARCH]),
            query(conformance_classes=[QueryConformanceClasses.SEARCH]),
            SearchFilterExtension(client=queryables, conformance_classes=filter_search),
            TokenPaginationExtension(),
        ),
        items=(
            _Fields(conformance_classes=[FieldsConformanceClasses.ITEMS]),
            SortExtension(conformance_classes=[SortConformanceClasses.ITEMS]),
            query(conformance_classes=[QueryConformanceClasses.ITEMS]),
            ItemCollectionFilterExtension(client=queryables, conformance_classes=filter_items),
            TokenPaginationExtension(),
        ),
        post_base=post_base,
    )
