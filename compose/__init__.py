"""Compose templates: text in, a `ProjectTemplate` out, or an error that says where.

    parse        YAML text -> a tree of plain values, bounded in size and depth
    interpolate  variables in values, from the project's environment
    shape        V1, V2, V3 or the Specification -> one set of sections
    merge        one mapping laid over another, by Compose's rules
    extends      a service that starts from another one; profiles
    validate     every key is honoured or refused with its path, by the table in `keys`
    published    values are what the format's published JSON Schema allows
    normalise    lists or maps, short or long syntax, units -> one form per service
    inline       configs and secrets, and `files`: where a service has them
    redaction    the text as it may be shown, without its secrets
    resolve      names on the engine, aliases, dependencies -> ServiceTemplate

Everything here is pure. `template.compile_template` is the way in for a template; `cli.bundle` uses
`parse`, `merge` and `interpolate` before there is one.
"""
