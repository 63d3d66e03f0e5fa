# Audiences that several bats files decide on.

# s.json: two, and one that refers to both, before they are defined.
three_audiences() {
  cat >s.json <<'END'
{"segments":[
 {"name":"both","when":"segments.rich && segments.active"},
 {"name":"rich","when":"tags.aum > 100"},
 {"name":"active","when":"tags.days < 30"}]}
END
}
