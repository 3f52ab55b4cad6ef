"""The SCIM 2.0 service provider: identity providers write users and groups, subjects and memberships follow.

A tenant is a configured source of kind `scim`; its bearer tokens are that source's secrets. Only `mount` and
`tenants` may be imported without the optional extra; everything else needs scim2-server.
"""
