/** The first `.parhelia/config.toml` of a repository: every setting with what it does, as a comment. A test reads it both ways. */

export const firstSettings = `# Settings of this repository for Parhelia.
# They are read from the default branch alone, so a pull request cannot change what holds for itself.
# Check this file: parhelia config check

# Who may start work, by the least role in this repository: triage, write, maintain or admin.
# People and bots can be named by their id, whatever their role; no other bot starts anything.
# [who.agent]
# role = "write"
# users = [583231]
# bots = []

# [who.command]
# role = "write"

# [who.gpu]
# role = "maintain"

# A label on an issue or a pull request starts work. Without more, the agent does what the text there says.
# "parhelia", "parhelia:gpu-a10g", "parhelia:gpu-a100" and "parhelia:gpu-h100" are known without being written here.
# [labels."parhelia:train"]
# argv = ["python", "train.py", "--small"]
# gpu = ["H100", "A100-80GB"]
# max_wait = "20m"
# timeout = "4h"
# budget = "$20"

# [labels."parhelia:gpu-h100"]
# enabled = false

# What a run gets that asks for nothing else.
# [sandbox]
# cpu = 2
# memory = "4GiB"
# timeout = "1h"
# network = "list"
# allow_hosts = ["registry.example.org"]
# secrets = ["TEST_DATABASE_URL"]

# [agent]
# model = "claude-sonnet-5-5"
# models = ["claude-sonnet-5-5", "claude-haiku-5-5"]

# Whether the agent follows instructions and settings that lie in this repository. Without it they are text like any other.
# [instructions]
# claude_md = true
# claude_settings = false

# [publish]
# draft = true
# branch_prefix = "parhelia/"
# reviewers = ["acme/reviewers"]
# labels = ["made-by-parhelia"]

# Ceilings, which can only lower those of the operator.
# [budget]
# task = "$20"
# repository_day = "$40"
# repository_month = "$200"

# A task that may cost more than this waits until a person confirms it.
# [approval]
# confirm_above = "$10"

# Workflows whose failures on the default branch or by schedule become one issue each.
# [failures]
# workflows = ["image-rebuild.yml", "e2e-modal.yml"]
`;
