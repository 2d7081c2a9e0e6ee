-- Part: names the keys that were not held with the given fence.
-- Needs answer, kept
for i = 1, #kept do
  answer[2 + i] = kept[i]
end
return answer
