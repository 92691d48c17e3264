"""What the API takes and shows of postmortems."""

from __future__ import annotations

from rest_framework import serializers

from ..models import MAX_NARRATIVE, Postmortem, split_lines


class PostmortemDraftSerializer(serializers.Serializer[Postmortem]):
    """A postmortem to file. The narrative is kept to the letter: its lines can be cited."""

    title = serializers.CharField(max_length=200)
    service = serializers.CharField(max_length=100)
    narrative = serializers.CharField(max_length=MAX_NARRATIVE, trim_whitespace=False)


class PostmortemSerializer(serializers.ModelSerializer[Postmortem]):
    """A filed postmortem with the hash of its words and the number of its lines."""

    service = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    author = serializers.CharField(source="author.username", read_only=True)
    lines = serializers.SerializerMethodField()

    class Meta:
        model = Postmortem
        fields = ("id", "title", "service", "narrative", "sha256", "lines", "author", "created_at")
        read_only_fields = fields

    def get_lines(self, postmortem: Postmortem) -> int:
        return len(split_lines(postmortem.narrative))
