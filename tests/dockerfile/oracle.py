"""Parses Dockerfiles with BuildKit's own parser, as the package `dockerfile` ships it.

Reads one JSON string per line from standard input and prints one JSON object per line: the
commands of a file that BuildKit takes, or the error for one that it refuses.
"""

import json
import sys

import dockerfile


def verdict(text):
    try:
        commands = dockerfile.parse_string(text)
    except (dockerfile.GoParseError, dockerfile.GoIOError) as error:
        return {"error": str(error)}
    except UnicodeDecodeError:
        # BuildKit took the file, but cut a character in two: the package cannot say where.
        return {"commands": None}
    return {
        "commands": [
            {
                "cmd": command.cmd or "",
                "sub_cmd": command.sub_cmd,
                "json": command.json,
                "flags": command.flags,
                "value": command.value,
                "start_line": command.start_line,
                "end_line": command.end_line,
                "original": command.original or "",
                "heredocs": [
                    {"name": doc.name, "fd": doc.file_descriptor, "content": doc.content}
                    for doc in command.heredocs
                ],
            }
            for command in commands
        ]
    }


def main():
    for line in sys.stdin:
        print(json.dumps(verdict(json.loads(line))))


if __name__ == "__main__":
    main()
