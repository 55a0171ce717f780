"""YAML to measure with: many files that are none of ours, a few manifests, one bundle of definitions, and many
containers of one image.

Every file differs, and is the same in every run.
"""

UNRELATED = 3_000
MANIFESTS = 5
# About the size of the largest bundles that operators are installed from, in bytes.
BUNDLE = 6_700_000

PLAYBOOK = """\
- hosts: group{number}
  vars:
    port: {port}
    users: [app{number}, admin]
  tasks:
  - name: install package {number}
    package:
      name: "service-{number}"
      state: present
  - name: write its settings
    template: {{src: app.j2, dest: /etc/app{number}.conf}}
    when: enabled is defined and enabled
"""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app{number}
spec:
  selector:
    matchLabels: {{app: app{number}}}
  template:
    metadata:
      labels: {{app: app{number}}}
    spec:
      containers:
      - name: web
        image: python:3.12-slim
        command: ["gunicorn", "app{number}.wsgi"]
        env:
        - name: PORT
          value: "{port}"
        resources:
          limits: {{cpu: "2", memory: 1Gi}}
"""

LONG = 600

CONTAINER = """\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app{number}
spec:
  template:
    spec:
      containers:
      - name: web
        image: registry.example/api:1
        command: ["gunicorn", "app{number}.wsgi"]
"""

STEP = "RUN echo {number} && apt-get update && apt-get install -y tool{number}\n"

DEFINITION = """\
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: kind{number}s.example.com
spec:
  group: example.com
  names: {{kind: Kind{number}, plural: kind{number}s}}
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        properties:
          spec:
            properties:
              containers:
                description: |-
                  List of containers belonging to the pod.
                  Cannot be updated.
                items:
                  properties:
"""

PROPERTY = """\
                    property{number}:
                      description: What property {number} is for, said at the usual length of such a text.
                      items:
                        properties:
                          name: {{type: string}}
                          value: {{type: string}}
                        required: [name]
                        type: object
                      type: array
"""


def write_folder(folder):
    """Files of all kinds below `folder`, which is returned."""
    for number in range(UNRELATED):
        path = folder / f"role{number // 50}" / f"tasks{number}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PLAYBOOK.format(number=number, port=8000 + number))
    for number in range(MANIFESTS):
        (folder / f"app{number}.yaml").write_text(DEPLOYMENT.format(number=number, port=8000 + number))
    return folder


def write_bundle(path):
    """Definitions of custom resources in one file, with the Deployment of their controller, which is returned."""
    properties = "".join(PROPERTY.format(number=number) for number in range(1_000))
    text = DEPLOYMENT.format(number=0, port=8000)
    number = 0
    while len(text) < BUNDLE:
        text += DEFINITION.format(number=number) + properties
        number += 1
    path.write_text(text)
    return path


def write_containers(folder, count):
    """A manifest of so many containers that all run the image of one long Dockerfile beside it; its path."""
    (folder / "api").mkdir(parents=True)
    (folder / ".git").mkdir()
    steps = "".join(STEP.format(number=number) for number in range(LONG))
    text = f'FROM python:3.12-slim\n{steps}CMD ["gunicorn", "app:app"]\n'
    (folder / "api" / "Dockerfile").write_text(text)
    path = folder / "all.yaml"
    path.write_text("".join(CONTAINER.format(number=number) for number in range(count)))
    return path
