"""How large a template may be. Each bound keeps a hostile one cheap and no honest one out."""

#: The API takes a template as one JSON string; a megabyte is some 30,000 lines.
TEXT_BYTES_MAX = 1024 * 1024
#: A Compose file is six levels deep; extensions may go a little further.
DEPTH_MAX = 64
#: Values and keys with aliases expanded: 500 services of 150 each.
NODES_MAX = 75_000
#: Entries of one list or map: far above any real one, and quick to check against each other.
ITEMS_MAX = 10_000
#: All text with aliases and variables expanded: twice the largest template.
EXPANDED_CHARS_MAX = 2 * TEXT_BYTES_MAX
#: Services share one record in a key-value bucket, whose values are a few megabytes at most.
SERVICES_MAX = 500
#: The longest range of ports; also the most ports of one service.
SERVICE_PORTS_MAX = 1000
#: Ports of all services together: each is a listener on some node.
PROJECT_PORTS_MAX = 5000
#: One config or secret; the API's documents are to stay below a few megabytes.
FILE_BYTES_MAX = 512 * 1024
#: Configs and secrets of all services together, as often as services have them.
FILES_BYTES_MAX = 1024 * 1024
#: Variables inside defaults inside defaults: nobody writes more than three.
NESTED_VARIABLES_MAX = 16
#: Warnings of one template that are kept, shown by the API and told to everybody.
WARNINGS_MAX = 100
#: Warnings that `troopers config` shows; more than this help nobody.
WARNINGS_KEPT_MAX = 5000
#: Linux takes no single argument above 128 KiB.
COMMAND_CHARS_MAX = 128 * 1024
