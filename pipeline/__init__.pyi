from pipeline.reader import PublishedLayer as PublishedLayer
from pipeline.reader import find_layers as find_layers
from pipeline.reader import open_layer as open_layer
from pipeline.reader import open_table as open_table

__version__: str
